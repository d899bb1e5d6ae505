package validity

import (
	"fmt"

	"faird/verdict"
)

// Fault is why a picture is not worth a score. It is an error.
type Fault struct{ verdict.Fault }

// Error says what was measured and what the limit was.
func (f *Fault) Error() string {
	word, bound := "at least", "below"
	if f.Value > f.Limit {
		word, bound = "at most", "above"
	}
	text := texts[f.Check]
	if text == nil {
		return fmt.Sprintf("%s: %.4g is %s the limit %.4g", f.Check, f.Value, bound, f.Limit)
	}
	return fmt.Sprintf("%s: %s", f.Check, text(f, word))
}

// texts say in words what each check measured.
var texts = map[verdict.Check]func(f *Fault, word string) string{
	verdict.Black: func(f *Fault, word string) string {
		return fmt.Sprintf("%.1f%% of the picture is dark, must be %s %.1f%%", 100*f.Value, word, 100*f.Limit)
	},
	verdict.Saturated: func(f *Fault, word string) string {
		return fmt.Sprintf("%.1f%% of the picture is saturated, must be %s %.1f%%", 100*f.Value, word, 100*f.Limit)
	},
	verdict.Brightness: func(f *Fault, word string) string {
		return fmt.Sprintf("the mean level is %.1f of 255, must be %s %.1f", f.Value, word, f.Limit)
	},
	verdict.Blurred: func(f *Fault, word string) string {
		return fmt.Sprintf("the sharpness is %.4f, must be %s %.4f", f.Value, word, f.Limit)
	},
	verdict.ColourOrder: func(f *Fault, word string) string {
		return fmt.Sprintf("red and blue are swapped: the agreement of colours is %.2f, must be %s %.2f", f.Value, word, f.Limit)
	},
	verdict.Size: func(f *Fault, word string) string {
		return fmt.Sprintf("width over height is %.3f, must be %s %.3f", f.Value, word, f.Limit)
	},
	verdict.Frozen: func(f *Fault, _ string) string {
		return fmt.Sprintf("not one pixel has changed for %.1f s, may be %.1f s", f.Value, f.Limit)
	},
}

// Check returns the first fault of a picture, or nil. What explains the others
// comes first: a black picture is neither sharp nor colourful.
func (l *Limits) Check(s *Stats) *Fault {
	colour := 1.0
	if l.redBlue != nil {
		colour = agreement(s.cells(l.neutral), l.redBlue)
	}
	aspect := s.Aspect
	if aspect == 0 {
		aspect = l.Aspect.Low
	}
	for _, c := range [...]struct {
		check verdict.Check
		value float64
		Range
	}{
		{verdict.Size, aspect, l.Aspect},
		{verdict.Black, s.Dark, l.Dark},
		{verdict.Saturated, s.Saturated, l.Saturated},
		{verdict.Brightness, s.Brightness, l.Brightness},
		{verdict.ColourOrder, colour, l.Colour},
		{verdict.Blurred, s.Sharpness, l.Sharpness},
	} {
		if !c.holds(c.value) {
			limit := c.High
			if c.value < c.Low {
				limit = c.Low
			}
			return &Fault{verdict.NewFault(c.check, c.value, limit)}
		}
	}
	return nil
}
