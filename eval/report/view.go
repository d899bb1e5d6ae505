package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"

	"faird/eval"
)

// view is what the page shows.
type view struct {
	About
	*eval.Evaluation
	Style     template.CSS
	Masked    bool // some picture has its true region shown
	Curve     template.HTML
	Histogram template.HTML
	Kinds     []kindCount
	Cards     []card
	Held      int // defective pictures sent to review
}

// card is one picture of the page.
type card struct {
	Number  int
	Picture eval.Picture
	Words   string
	Class   string // of its style
}

// kindCount is one line of the table of kinds.
type kindCount struct {
	Kind                      string
	Defective                 bool
	Pictures, Wrong, Review   int
	Smallest, Median, Largest float64
}

func newView(a About, e *eval.Evaluation) (*view, error) {
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	v := &view{About: a, Evaluation: e, Style: template.CSS(style), Kinds: kinds(e.Pictures)}
	good, bad := split(e.Pictures)
	if len(good) > 0 && len(bad) > 0 {
		v.Curve = curve(good, bad, e.Threshold)
	}
	v.Histogram = histogram(good, bad, e.Threshold, e.Review)
	for i, p := range worstFirst(e.Pictures, e.Threshold) {
		if p.Defective && outcome(p) == toReview {
			v.Held++
		}
		v.Masked = v.Masked || p.Views != nil && p.Views.Truth != nil
		v.Cards = append(v.Cards, card{Number: i + 1, Picture: p, Words: words(p), Class: classes[outcome(p)]})
	}
	return v, nil
}

// classes are the style classes of what stands out.
var classes = map[string]string{slipThrough: "wrong", falseReject: "wrong", toReview: "held"}

// words say what happened to a picture.
func words(p eval.Picture) string {
	switch outcome(p) {
	case slipThrough:
		return "defective, but passed"
	case falseReject:
		return "good, but rejected"
	case toReview:
		return "sent to a person"
	case right:
		if p.Defective {
			return "defective, rejected"
		}
		return "good, passed"
	}
	return "no threshold, not judged"
}

// kinds counts the pictures of each kind, good first, then by name.
func kinds(pictures []eval.Picture) []kindCount {
	var out []kindCount
	scores := map[string][]float64{}
	for _, p := range pictures {
		i := slices.IndexFunc(out, func(k kindCount) bool { return k.Kind == p.Kind })
		if i < 0 {
			i = len(out)
			out = append(out, kindCount{Kind: p.Kind, Defective: p.Defective})
		}
		out[i].Pictures++
		switch outcome(p) {
		case slipThrough, falseReject:
			out[i].Wrong++
		case toReview:
			out[i].Review++
		}
		scores[p.Kind] = append(scores[p.Kind], p.Score)
	}
	for i := range out {
		s := scores[out[i].Kind]
		slices.Sort(s)
		out[i].Smallest, out[i].Median, out[i].Largest = s[0], (s[(len(s)-1)/2]+s[len(s)/2])/2, s[len(s)-1]
	}
	slices.SortStableFunc(out, func(a, b kindCount) int {
		if a.Defective != b.Defective {
			if a.Defective {
				return 1
			}
			return -1
		}
		return 0
	})
	return out
}

// functions of the template.
var functions = template.FuncMap{
	"jpeg": func(data []byte) template.URL {
		return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
	},
	"score":   score,
	"signers": func() []string { return []string{"For the supplier", "For the customer"} },
	"area":    func(v *float64) string { return fmt.Sprintf("%.1f", 100**v) },
	"percent": eval.Percent,
}

func score(v any) string {
	if p, ok := v.(*float64); ok {
		v = *p
	}
	return fmt.Sprintf("%.4f", v)
}
