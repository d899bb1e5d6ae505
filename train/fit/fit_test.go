package fit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faird/infer"
	"faird/model/unet"
	"faird/train/fit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stripes are batches that depend on the step alone: blurred noise to restore.
type stripes struct {
	calls int
	at    func(step int, x, y []float32) error // when not nil, has the last word
}

func (b *stripes) Next(ctx context.Context, step int, x, y []float32) error {
	b.calls++
	r := rand.New(rand.NewPCG(uint64(step), 1))
	for i := range x {
		x[i] = float32(r.NormFloat64()) * 0.1
	}
	for i := range y {
		y[i] = 0.5 + x[i%len(x)]
	}
	if b.at != nil {
		return b.at(step, x, y)
	}
	return ctx.Err()
}

func options(t *testing.T) fit.Options {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	return fit.Options{
		Network: unet.Network{Width: 8, Channels: 1}, Height: 16, Width: 32, Batch: 2,
		Budget: fit.Budget{Steps: 8}, Schedule: fit.PaperSchedule(1e-3), Seed: 3,
	}
}

func newTrainer(t *testing.T, o fit.Options, s *fit.State) *fit.Trainer {
	t.Helper()
	tr, err := fit.New(o, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func TestTrainingReportsAndLearns(t *testing.T) {
	o := options(t)
	o.Budget.Steps = 25
	tr := newTrainer(t, o, nil)
	var seen []fit.Progress
	if err := tr.Run(context.Background(), &stripes{}, func(p fit.Progress) { seen = append(seen, p) }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 25 {
		t.Fatalf("%d reports of 25 steps", len(seen))
	}
	first, last := seen[0], seen[24]
	if last.Step != 25 || last.Part != 1 || last.Left != 0 || last.Spent <= first.Spent {
		t.Errorf("last report %+v", last)
	}
	if first.Left <= 0 || first.PerStep <= 0 || last.Waiting < 0 || last.Waiting > 1 {
		t.Errorf("first report %+v", first)
	}
	if !(last.Loss < 0.95*first.Loss) || math.Abs(last.Loss-(last.MSE+1-last.SSIM)) > 1e-4 {
		t.Errorf("loss went from %v to %+v", first.Loss, last)
	}
	if first.Rate != 1e-3 || math.Abs(last.Rate-4e-5) > 1e-12 {
		t.Errorf("learning rate went from %v to %v", first.Rate, last.Rate)
	}
}

// A training that was stopped at any step and resumed ends at the same bits.
func TestResumedTrainingIsTheUnbrokenOne(t *testing.T) {
	o := options(t)
	whole := newTrainer(t, o, nil)
	if err := whole.Run(context.Background(), &stripes{}, nil); err != nil {
		t.Fatal(err)
	}
	want := whole.State()

	o.Checkpoint = fit.Checkpoint{Path: filepath.Join(t.TempDir(), "a.ckpt"), Identity: fit.Identity{"seed": "3"}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	broken := newTrainer(t, o, nil)
	err := broken.Run(ctx, &stripes{}, func(p fit.Progress) {
		if p.Step == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a stopped training returned %v", err)
	}
	state, err := fit.Load(o.Checkpoint.Path, o.Checkpoint.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if state.Step != 3 || state.Spent <= 0 {
		t.Fatalf("the checkpoint is of step %d after %v", state.Step, state.Spent)
	}
	resumed := newTrainer(t, o, state)
	batches := &stripes{}
	if err := resumed.Run(context.Background(), batches, nil); err != nil {
		t.Fatal(err)
	}
	if batches.calls != 5 {
		t.Errorf("%d batches asked for after the third of eight", batches.calls)
	}
	got := resumed.State()
	if !slices.Equal(got.Weights.Parameters, want.Weights.Parameters) || !slices.Equal(got.Weights.Statistics, want.Weights.Statistics) ||
		!slices.Equal(got.Moment1, want.Moment1) || !slices.Equal(got.Moment2, want.Moment2) || got.Step != want.Step {
		t.Error("the resumed training ended elsewhere than the unbroken one")
	}
}

// Ctrl-C comes in the middle of a step: the step is thrown away, not half kept.
func TestTrainingBrokenOffWithinAStep(t *testing.T) {
	o := options(t)
	whole := newTrainer(t, o, nil)
	if err := whole.Run(context.Background(), &stripes{}, nil); err != nil {
		t.Fatal(err)
	}
	o.Checkpoint.Path = filepath.Join(t.TempDir(), "a.ckpt")
	for _, after := range []time.Duration{0, time.Millisecond, 4 * time.Millisecond, 16 * time.Millisecond} {
		ctx, cancel := context.WithCancel(context.Background())
		var timer *time.Timer
		err := newTrainer(t, o, nil).Run(ctx, &stripes{at: func(step int, _, _ []float32) error {
			if step == 4 {
				timer = time.AfterFunc(after, cancel)
			}
			return nil
		}}, nil)
		timer.Stop()
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		s, err := fit.Load(o.Checkpoint.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resumed := newTrainer(t, o, s)
		if err := resumed.Run(context.Background(), &stripes{}, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(resumed.State().Weights.Parameters, whole.State().Weights.Parameters) {
			t.Errorf("broken off %v into the fifth step, and resumed at %d, training ended elsewhere", after, s.Step)
		}
	}
}

func TestDivergedTrainingKeepsItsCheckpoint(t *testing.T) {
	o := options(t)
	o.Checkpoint = fit.Checkpoint{Path: filepath.Join(t.TempDir(), "a.ckpt"), Every: time.Nanosecond}
	tr := newTrainer(t, o, nil)
	err := tr.Run(context.Background(), &stripes{at: func(step int, x, _ []float32) error {
		if step == 4 {
			x[7] = float32(math.NaN())
		}
		return nil
	}}, nil)
	if !errors.Is(err, fit.ErrDiverged) || !strings.Contains(err.Error(), "step 5") {
		t.Fatalf("got %v, want that training diverged at step 5", err)
	}
	s, err := fit.Load(o.Checkpoint.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Step != 4 {
		t.Errorf("the checkpoint is of step %d, the last good one was 4", s.Step)
	}
	s.Moment1[5] = float32(math.Inf(1))
	if err := fit.Save(o.Checkpoint.Path, nil, s); !errors.Is(err, fit.ErrDiverged) {
		t.Errorf("saving an infinite moment: %v", err)
	}
	if s, err = fit.Load(o.Checkpoint.Path, nil); err != nil || math.IsInf(float64(s.Moment1[5]), 0) {
		t.Errorf("the good checkpoint is gone: %v", err)
	}
}

func TestTrainingStopsWithItsBatches(t *testing.T) {
	tr := newTrainer(t, options(t), nil)
	broken := errors.New("disk is gone")
	err := tr.Run(context.Background(), &stripes{at: func(step int, _, _ []float32) error {
		if step == 2 {
			return broken
		}
		return nil
	}}, nil)
	if !errors.Is(err, broken) || tr.State().Step != 2 {
		t.Errorf("got %v at step %d", err, tr.State().Step)
	}
}

func TestCheckpointsThatCannotBeWritten(t *testing.T) {
	o := options(t)
	dir := filepath.Join(t.TempDir(), "d")
	o.Checkpoint = fit.Checkpoint{Path: filepath.Join(dir, "a.ckpt"), Every: time.Nanosecond}
	if err := newTrainer(t, o, nil).Run(context.Background(), &stripes{}, nil); err == nil || !strings.Contains(err.Error(), "a.ckpt") {
		t.Errorf("a folder that is missing from the start: %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tr := newTrainer(t, o, nil)
	var unsaved int
	err := tr.Run(context.Background(), &stripes{}, func(p fit.Progress) {
		if p.Step == 2 {
			_ = os.RemoveAll(dir)
		}
		if p.Unsaved != nil {
			unsaved++
		}
	})
	if !errors.Is(err, fit.ErrUnsaved) || unsaved != 6 || tr.State().Step != 8 {
		t.Errorf("a folder that went away: %v, %d steps unsaved, %d done", err, unsaved, tr.State().Step)
	}
}

func TestBudgetOfTime(t *testing.T) {
	o := options(t)
	o.Budget = fit.Budget{Time: 50 * time.Millisecond}
	tr := newTrainer(t, o, nil)
	if err := tr.Run(context.Background(), &stripes{}, nil); err != nil {
		t.Fatal(err)
	}
	if s := tr.State(); s.Spent < o.Budget.Time || s.Step == 0 {
		t.Errorf("stopped after %v and %d steps", s.Spent, s.Step)
	}
	for _, b := range []fit.Budget{{}, {Steps: 1, Time: 1}, {Steps: -1}} {
		o.Budget = b
		if tr, err := fit.New(o, nil); err == nil {
			_ = tr.Close()
			t.Errorf("budget %+v was taken", b)
		}
	}
}

func TestStateOfAnotherNetworkIsRefused(t *testing.T) {
	o := options(t)
	s := newTrainer(t, o, nil).State()
	o.Network.Width = 9
	if tr, err := fit.New(o, s); err == nil {
		_ = tr.Close()
		t.Error("the state of a network of width 8 was taken for one of width 9")
	}
}

func TestSchedules(t *testing.T) {
	for name, c := range map[string]struct {
		schedule fit.Schedule
		want     [][2]float64 // part of the budget, rate
	}{
		"paper":  {fit.PaperSchedule(1e-4), [][2]float64{{0, 1e-4}, {0.79, 1e-4}, {0.8, 2e-5}, {0.9, 4e-6}, {1, 4e-6}}},
		"cosine": {fit.CosineSchedule(1e-4), [][2]float64{{0, 1e-5}, {0.05, 1e-4}, {0.525, 5e-5}, {1, 0}}},
	} {
		for _, w := range c.want {
			if got := c.schedule(w[0]); math.Abs(got-w[1]) > 1e-12 {
				t.Errorf("%s: rate at %v is %v, want %v", name, w[0], got, w[1])
			}
		}
	}
}
