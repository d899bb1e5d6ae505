package gallery

import (
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/verdict"
)

// So many pictures as were asked for are kept, of passes or of any parts, and
// none more.
func TestCollect(t *testing.T) {
	parts := []struct {
		kind  verdict.Kind
		score float64
	}{{verdict.Pass, 0.1}, {verdict.Fail, 2}, {verdict.Pass, 0.1}, {verdict.Pass, 0.1}, {verdict.Pass, 0.1}}
	for name, c := range map[string]struct {
		station string
		n       int
		every   bool
		want    []string
	}{
		"passes":            {"cap", 2, false, []string{"collect", "fail", "collect"}},
		"any":               {"cap", 3, true, []string{"collect", "fail", "collect"}},
		"none any more":     {"cap", 0, true, []string{"fail"}},
		"another station's": {"lid", 5, true, []string{"fail"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := new(fakeArchive)
			g, _ := run(t, config.Archive{MaxBytes: 1e9}, a)
			g.Collect(c.station, c.n, c.every)
			kept := 0
			for n, p := range parts {
				g.Show(judged(p.kind, p.score), int64(n+1), frame(t, gocv.MatTypeCV8UC3), look)
				if kept < len(c.want) && (p.kind == verdict.Fail || c.want[kept] == "collect") {
					kept++
				}
				until(t, "what is to be kept", func() bool { return len(a.why()) >= kept })
			}
			if got := a.why(); !slices.Equal(got, c.want) {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}
