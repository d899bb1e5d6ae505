package integrity

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// shortImages is the length of the main clips of the short plan: two seconds.
const shortImages = 100

// TestIntegrity streams the short plan, or as many images as are asked for of the
// long one.
func TestIntegrity(t *testing.T) {
	all := plan{shortImages}.short()
	if *picturesFlag > 0 {
		all = longOf(*picturesFlag)
	}
	runAll(t, all)
}

// TestAltered measures how much of what nobody can be sure to notice is noticed.
func TestAltered(t *testing.T) {
	if !*alteredFlag {
		t.Skip("a measurement, not a test: run with -altered")
	}
	runAll(t, plan{20 * gop}.altered())
}

func runAll(t *testing.T, all []scenario) {
	t.Helper()
	t.Logf("seed %d", *seedFlag)
	var mu sync.Mutex
	results := map[string]*tally{}
	t.Run("plan", func(t *testing.T) {
		for _, sc := range all {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				result := sc.run(t)
				mu.Lock()
				defer mu.Unlock()
				results[sc.name] = result
			})
		}
	})
	t.Log(report(all, results))
}

// report lists what became of the images.
func report(all []scenario, results map[string]*tally) string {
	var out strings.Builder
	total := tally{}
	row := func(name string, r *tally) {
		fmt.Fprintf(&out, "%-55s %6d %7d %7d %5.1f%% %5d %5d %6d\n", name, r.sent, r.dropped, r.judged, 100*r.share(), r.different, r.repeated, r.faulty())
	}
	fmt.Fprintf(&out, "seed %d\n%-55s %6s %7s %7s %6s %5s %5s %6s\n", *seedFlag, "scenario", "images", "dropped", "judged", "share", "wrong", "again", "faults")
	for _, sc := range all {
		if r := results[sc.name]; r != nil { // else it was not asked for, or ended early and said why
			row(sc.name, r)
			total.add(r)
		}
	}
	row("all", &total)
	return out.String() + shares(all, results)
}

// shares is a table of how much is judged at which rate of damage.
func shares(all []scenario, results map[string]*tally) string {
	cells := map[cell]string{}
	for _, sc := range all {
		if r := results[sc.name]; r != nil {
			cells[sc.table] = fmt.Sprintf("%.1f%%", 100*r.share())
		}
	}
	var out strings.Builder
	for _, codec := range codecs {
		for _, kind := range kinds {
			row := fmt.Sprintf("| %s | %s |", codec, kind.name)
			for _, rate := range rates() {
				row += " " + cells[cell{codec, kind.name, rate}] + " |"
			}
			if strings.Contains(row, "%") {
				fmt.Fprintln(&out, row)
			}
		}
	}
	return out.String()
}
