package pipeline

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/inspect/validity"
	"faird/model"
	"faird/publish"
	"faird/verdict"
)

var drifting = config.DefaultStation().Drift

// lineUp is the demo's model at the simulated line, everything as in a station.
type lineUp struct {
	t         *testing.T
	line      *line.Line
	inspector *inspect.Inspector
	threshold float64
	frame     gocv.Mat

	calibration *model.Calibration // the demo model's own: what its good frames were like
}

func newLineUp(t *testing.T, seed uint64) *lineUp {
	t.Helper()
	f, err := ReadModel(config.DemoModel)
	if err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Open(f, config.Infer{Provider: "cpu", Threads: 1}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	limits := validity.LimitsOf(nil, config.Validity{})
	i, err := m.NewInspector(inspect.Options{
		ROI:    &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()},
		Limits: &limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	u := &lineUp{t: t, line: line.New(line.Options{Seed: seed}), inspector: i, threshold: f.Calibration.Threshold, calibration: f.Calibration, frame: gocv.NewMat()}
	t.Cleanup(func() {
		if err := errors.Join(u.frame.Close(), u.line.Close(), i.Close(), m.Close()); err != nil {
			t.Error(err)
		}
	})
	return u
}

// look is good frame n under a light of so much of its strength.
func (u *lineUp) look(n int, light float64) inspect.Result {
	u.t.Helper()
	u.line.Render(uint64(n), &u.frame)
	if err := u.frame.ConvertToWithParams(&u.frame, gocv.MatTypeCV8U, float32(light), 0); err != nil {
		u.t.Fatal(err)
	}
	var r inspect.Result
	if err := u.inspector.Inspect(context.Background(), u.frame, nil, &r); err != nil {
		u.t.Fatal(err)
	}
	r.Regions = nil
	return r
}

// judged is a result as a verdict tells it.
func (u *lineUp) judged(r inspect.Result) *verdict.Verdict {
	return &verdict.Verdict{Verdict: verdict.Judge(r.Score, u.threshold, nil), Score: &r.Score}
}

// TestLightDrift lets the light of the simulated line fade slowly, with the
// demo's real scores. The alarm comes before the first good part is rejected
// that would have passed under the old light; a steady line has none.
func TestLightDrift(t *testing.T) {
	const frames, parts = 60, 400
	u := newLineUp(t, 4711)
	steady := make([]inspect.Result, frames)
	for n := range steady {
		steady[n] = u.look(n, 1)
	}
	var log bytes.Buffer
	reference := []calibrated{{calibration: u.calibration}}
	c := newCharts(drifting, reference, zerolog.New(&log))
	alarm, reject := -1, -1
	for n := 0; n < parts && reject < 0; n++ {
		r := u.look(n%frames, 1-0.0015*float64(n)) // to 40% over the test
		v := u.judged(r)
		if v.Verdict == verdict.Fail && steady[n%frames].Score < u.threshold {
			reject = n
		}
		if c.note(v, &r); alarm < 0 && len(c.alarms()) > 0 {
			alarm = n
		}
	}
	t.Logf("alarm at part %d (light at %.0f%%), first false reject at part %d (-1: none)", alarm, 100*(1-0.0015*float64(alarm)), reject)
	if alarm < 0 || reject >= 0 && alarm >= reject {
		t.Errorf("alarm at part %d, first false reject at part %d", alarm, reject)
	}
	if got := strings.Count(log.String(), `"what":"brightness"`); got != 1 {
		t.Errorf("the drift of brightness is logged %d times", got)
	}

	// 20,000 parts of a steady line, drawn from the same frames.
	c = newCharts(drifting, reference, zerolog.Nop())
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		r := steady[random.IntN(frames)]
		if c.note(u.judged(r), &r); len(c.alarms()) > 0 {
			t.Fatalf("a steady line: %+v", c.alarms())
		}
	}
}

// plainly is a calibration of scores around 0.1 and brightness around 100.
func plainly() *model.Calibration {
	return &model.Calibration{N: 1000, Mean: 0.1, Std: 0.01, Look: &model.Look{
		Brightness: model.Spread{Mean: 100, Std: 3}, LogScore: model.Spread{Mean: math.Log(0.1), Std: 0.1},
	}}
}

func feed(c *charts, n int, kind verdict.Kind, brightness, score float64) {
	for range n {
		c.note(&verdict.Verdict{Verdict: kind, Score: &score}, &inspect.Result{Score: score, Brightness: brightness})
	}
}

func TestCharts(t *testing.T) {
	for _, c := range []struct {
		name string
		conf config.Drift
		of   []calibrated
		feed func(c *charts)
		want []publish.Drift // What, Low < Value < High are checked
	}{
		{"steady", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Pass, 100, 0.1) }, nil},
		{"dim", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Pass, 90, 0.1) }, []publish.Drift{{What: "brightness", Value: -1}}},
		{"scores rise", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Pass, 100, 0.12) }, []publish.Drift{{What: "score", Value: 1}}},
		{"scores of bad parts say nothing", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Fail, 100, 0.3) }, nil},
		{"but their brightness does", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Fail, 120, 0.3) }, []publish.Drift{{What: "brightness", Value: 1}}},
		{"no_read counts for nothing", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.NoRead, 10, 9) }, nil},
		{"over again", drifting, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 50, verdict.Pass, 90, 0.1); feed(c, 200, verdict.Pass, 100, 0.1) }, nil},
		{"off", config.Drift{Width: 5}, []calibrated{{"", plainly()}}, func(c *charts) { feed(c, 200, verdict.Pass, 50, 0.2) }, nil},
		{"a model that is not calibrated", drifting, []calibrated{{"", nil}}, func(c *charts) { feed(c, 200, verdict.Pass, 50, 0.2) }, nil},
		{
			"a model of an older faird", drifting,
			[]calibrated{{"", &model.Calibration{N: 100, Mean: 0.1, Std: 0.01}}},
			func(c *charts) { feed(c, 200, verdict.Pass, 50, 0.13) },
			[]publish.Drift{{What: "score", Value: 1}},
		},
		{"one region of two", drifting, []calibrated{{"left", plainly()}, {"right", plainly()}}, func(c *charts) {
			for range 200 {
				c.note(&verdict.Verdict{Verdict: verdict.Pass, Inspected: []verdict.Inspected{
					{Region: "left", Verdict: verdict.Pass, Score: 0.1}, {Region: "right", Verdict: verdict.Pass, Score: 0.08},
				}}, &inspect.Result{Brightness: 100, Score: 0.1})
			}
		}, []publish.Drift{{What: "score", Region: "right", Value: -1}}},
	} {
		charts := newCharts(c.conf, c.of, zerolog.Nop())
		c.feed(charts)
		got := charts.alarms()
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", c.name, got)
			continue
		}
		for i, w := range c.want {
			g := got[i]
			beyond := w.Value > 0 && g.Value > g.High || w.Value < 0 && g.Value < g.Low
			if g.What != w.What || g.Region != w.Region || !beyond || g.Since.IsZero() || !(g.Low < g.High) {
				t.Errorf("%s: %+v", c.name, g)
			}
		}
	}
}

// TestDriftInState: the state tells a drift, and another model forgets it.
func TestDriftInState(t *testing.T) {
	swapOf := func(r *rig, i *fakeInspector) swap {
		w := r.swap(i)
		w.drift, w.calibrated = drifting, []calibrated{{"", &model.Calibration{N: 100, Mean: 0.05, Std: 0.005}}}
		return w
	}
	r := newRig(t, "free", nil)
	if d := r.State().Drift; len(d) != 0 {
		t.Errorf("at the start: %+v", d)
	}
	r.install(swapOf(r, &fakeInspector{score: 0.1, closed: make(chan struct{})}))
	seen := false
	for n := uint64(1); n < 200 && !seen; n++ {
		r.source.show(n)
		r.verdict()
		d := r.State().Drift
		seen = len(d) == 1 && d[0].What == publish.DriftScore
	}
	if !seen {
		t.Fatalf("no drift in the state: %+v", r.State().Drift)
	}
	r.install(swapOf(r, &fakeInspector{score: 0.05, closed: make(chan struct{})}))
	for until := time.Now().Add(10 * time.Second); len(r.State().Drift) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the drift of the old model stays")
		}
	}
}
