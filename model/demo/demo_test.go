package demo_test

import (
	"testing"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/inspect/validity"
	"faird/model"
	"faird/model/demo"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"
)

// The line that the model is judged on. Its seed took no part in training,
// calibration or the choice of scoring constants.
const (
	testSeed = 1
	frames   = 500
	defects  = 0.3
)

// What the demo promises of that line: of all defects, of each kind, of good parts.
const (
	leastFound       = 0.9
	leastFoundOfKind = 0.8
	mostFalseRejects = 0.02
)

func load(t *testing.T) (*inspect.Model, *model.File) {
	t.Helper()
	file, err := model.Parse(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Open(file, config.Infer{Provider: "cpu"}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, file
}

// tally counts the verdicts on one kind of part.
type tally struct{ parts, rejected int }

func (c tally) share() float64 { return float64(c.rejected) / float64(c.parts) }

// TestDemoLine lets the demo's model judge 500 frames and counts its mistakes.
func TestDemoLine(t *testing.T) {
	m, file := load(t)
	threshold := file.Calibration.Threshold
	limits := validity.LimitsOf(file.Calibration.Look, config.Validity{}) // no frame, good or defective, may be invalid
	inspector, err := m.NewInspector(inspect.Options{
		ROI:    &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()},
		Limits: &limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer inspector.Close()
	l := line.New(line.Options{Seed: testSeed, Defects: defects})
	defer l.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	counts := map[string]*tally{"": {}}
	for _, kind := range line.Kinds {
		counts[kind] = &tally{}
	}
	var r inspect.Result
	for n := range uint64(frames) {
		truth := l.Render(n, &frame)
		if err := inspector.Inspect(t.Context(), frame, nil, &r); err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
		c := counts[truth.Kind]
		c.parts++
		if r.Score >= threshold {
			c.rejected++
		} else if truth.Defective {
			t.Logf("frame %d: missed a %s of %.2f%%, score %.4f", n, truth.Kind, 100*truth.AreaShare, r.Score)
		}
	}
	check(t, counts)
}

func check(t *testing.T, counts map[string]*tally) {
	t.Helper()
	good := *counts[""]
	t.Logf("false rejects: %d of %d good parts (%.2f%%)", good.rejected, good.parts, 100*good.share())
	if good.share() >= mostFalseRejects {
		t.Errorf("%.2f%% of the good parts rejected, want under %.0f%%", 100*good.share(), 100*mostFalseRejects)
	}
	var all tally
	for _, kind := range line.Kinds {
		c := *counts[kind]
		all.parts, all.rejected = all.parts+c.parts, all.rejected+c.rejected
		t.Logf("%s: %d of %d found (%.0f%%)", kind, c.rejected, c.parts, 100*c.share())
		if c.parts < 10 || c.share() < leastFoundOfKind {
			t.Errorf("%s: %d of %d found, want at least %.0f%%", kind, c.rejected, c.parts, 100*leastFoundOfKind)
		}
	}
	t.Logf("defects: %d of %d found (%.1f%%)", all.rejected, all.parts, 100*all.share())
	if all.share() < leastFound {
		t.Errorf("%.1f%% of the defects found, want at least %.0f%%", 100*all.share(), 100*leastFound)
	}
}

func TestDemoModelIsComplete(t *testing.T) {
	m, file := load(t)
	if file.Plain || file.Calibration == nil || len(file.Golden) != 4 || len(file.Training) < 10 {
		t.Errorf("plain %v, calibration %v, %d golden samples, training %s", file.Plain, file.Calibration, len(file.Golden), file.Training)
	}
	if n := len(demo.Model()); n > 20<<20 {
		t.Errorf("%d bytes are too many to embed", n)
	}
	if err := m.CheckGolden(t.Context()); err != nil {
		t.Error(err)
	}
}
