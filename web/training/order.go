package training

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"faird/pipeline"
)

// Bounds of an order.
const (
	fewest      = 10
	most        = 5000
	mostMinutes = 7 * 24 * 60
	mostSteps   = 10_000_000

	defaultPictures = 200
	defaultMinutes  = 60
	defaultWidth    = 32
)

// settled is the order with what it leaves open filled in from the model in use.
func (o Order) settled(p Present) (Order, error) {
	if o.Pictures == 0 {
		o.Pictures = defaultPictures
	}
	if o.Minutes == 0 && o.Steps == 0 {
		o.Minutes = defaultMinutes
	}
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	if err := o.check(); err != nil {
		return o, err
	}
	if p.File == "" {
		return o, errors.New("a station with several regions has a model for each: train them with faird train")
	}
	if o.Size == "" {
		f, err := pipeline.ReadModel(p.File)
		if err != nil {
			return o, err
		}
		o.Size = fmt.Sprintf("%dx%d", f.Width, f.Height)
	}
	return o, nil
}

func (o Order) check() error {
	switch {
	case !slices.Contains([]Source{Marked, Passes, LivePassed, LiveAny}, o.Source):
		return fmt.Errorf("source is %q: choose marked, passes, live_passed or live_any", o.Source)
	case o.Pictures < fewest || o.Pictures > most:
		return fmt.Errorf("pictures is %d: choose %d to %d", o.Pictures, fewest, most)
	case o.Minutes != 0 && o.Steps != 0:
		return errors.New("give minutes or steps, not both")
	case !(o.Minutes >= 0 && o.Minutes <= mostMinutes):
		return fmt.Errorf("minutes is %g: choose up to %d", o.Minutes, mostMinutes)
	case o.Steps < 0 || o.Steps > mostSteps:
		return fmt.Errorf("steps is %d: choose up to %d", o.Steps, mostSteps)
	case o.Width < 8 || o.Width > 64:
		return fmt.Errorf("width is %d: choose 8 to 64", o.Width)
	}
	return checkSize(o.Size)
}

var sizes = regexp.MustCompile(`^([0-9]{2,4})x([0-9]{2,4})$`)

func checkSize(size string) error {
	if size == "" {
		return nil
	}
	if m := sizes.FindStringSubmatch(size); m != nil {
		w, _ := strconv.Atoi(m[1]) // digits they are
		h, _ := strconv.Atoi(m[2])
		if w%16 == 0 && h%16 == 0 && min(w, h) >= 32 && max(w, h) <= 1024 {
			return nil
		}
	}
	return fmt.Errorf("size is %q: choose width x height in multiples of 16 from 32 to 1024, such as 256x256", size)
}
