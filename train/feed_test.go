package train

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/fair/highpass"
	"faird/train/calibrate"
)

// take collects the batches of some steps.
func take(t *testing.T, s source, workers, from, to int) (x, y [][]float32) {
	t.Helper()
	const batch = 3
	f, err := startFeed(s, batch, workers, from)
	if err != nil {
		t.Fatal(err)
	}
	for step := from; step < to; step++ {
		bx, by := make([]float32, batch*s.filter.Channels()*s.w*s.h), make([]float32, batch*3*s.w*s.h)
		if err := f.Next(context.Background(), step, bx, by); err != nil {
			t.Fatal(err)
		}
		x, y = append(x, bx), append(y, by)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return x, y
}

func TestBatchesDependOnTheStepAlone(t *testing.T) {
	for _, filter := range []fair.Filter{fair.DefaultFilter(), {Type: fair.SobelXY, KSize: 5}} {
		s := someSource(filter, 7)
		x, y := take(t, s, 1, 0, 9)
		same := func(name string, gx, gy [][]float32, from int) {
			for i := range gx {
				if !slices.Equal(gx[i], x[from+i]) || !slices.Equal(gy[i], y[from+i]) {
					t.Errorf("%s: batch %d is another one with %s", filter.Type, from+i, name)
				}
			}
		}
		gx, gy := take(t, s, 5, 0, 9)
		same("five workers", gx, gy, 0)
		gx, gy = take(t, s, 2, 4, 9)
		same("a later start", gx, gy, 4)
		if slices.Equal(x[0], x[1]) {
			t.Error("two batches are equal")
		}
	}
}

// A clean sample is what a picture is at inspection: its planes and its high-pass.
func TestCleanSamples(t *testing.T) {
	s := someSource(fair.DefaultFilter(), 4)
	s.mix.Clean, s.mix.Rotate = 1, 0
	m, err := newSampler(s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	x, y := make([]float32, 32*16), make([]float32, 3*32*16)
	if err := m.make(5, x, y); err != nil {
		t.Fatal(err)
	}
	pixels := s.good[m.order.at(5)]
	planes, grey, want := make([]float32, 3*32*16), gocv.NewMatWithSize(16, 32, gocv.MatTypeCV32F), make([]float32, 32*16)
	defer grey.Close()
	values, err := grey.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	fair.Planes(pixels, planes, values)
	h, err := highpass.New(16, 32, s.filter)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Apply(grey, want); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(y, planes) || !slices.Equal(x, want) {
		t.Error("a clean sample is not its picture")
	}
}

func TestFeedEnds(t *testing.T) {
	s := someSource(fair.DefaultFilter(), 3)
	f, err := startFeed(s, 2, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Next(ctx, 0, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	s.good = nil
	if _, err := startFeed(s, 2, 2, 0); err == nil {
		t.Error("a feed without pictures started")
	}
}

func TestEveryEpochTakesEveryPicture(t *testing.T) {
	const n = 11
	o := order{seed: 5, n: n}
	var epochs [][]int
	for e := range uint64(3) {
		var seen []int
		for i := range uint64(n) {
			seen = append(seen, o.at(e*n+i))
		}
		epochs = append(epochs, slices.Clone(seen))
		if slices.Sort(seen); seen[0] != 0 || seen[n-1] != n-1 || len(slices.Compact(seen)) != n {
			t.Errorf("epoch %d takes %v", e, seen)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have one order")
	}
	again := order{seed: 5, n: n}
	if again.at(2*n+3) != epochs[2][3] || again.at(3) != epochs[0][3] {
		t.Error("the order depends on what was asked before")
	}
}

func TestSplit(t *testing.T) {
	all := &pictures{}
	for i := range 60 {
		all.names, all.pool = append(all.names, string(rune('a'+i))), append(all.pool, []byte{byte(i)})
		all.sizes = append(all.sizes, image.Pt(i, 1))
	}
	training, held := split(all, 0.2, 1)
	if len(held.pool) != 12 || len(training.pool) != 48 {
		t.Fatalf("%d and %d pictures", len(training.pool), len(held.pool))
	}
	for i, name := range held.names {
		if slices.Contains(training.names, name) {
			t.Errorf("%s is in both parts", name)
		}
		if all.pool[slices.Index(all.names, name)][0] != held.pool[i][0] {
			t.Errorf("%s has another picture's pixels", name)
		}
		if held.sizes[i].X != int(held.pool[i][0]) {
			t.Errorf("%s has another picture's size", name)
		}
	}
	for n, back := range map[int]int{60: 10, 29: 9, 20: 6, 12: 5} {
		some := all.subset(rand.Perm(60)[:n])
		if training, held := split(some, 0.1, 1); len(held.pool) != back || len(training.pool)+len(held.pool) != n {
			t.Errorf("a tenth of %d pictures: %d held back", n, len(held.pool))
		}
	}
	const fewest = fewestToTrain + calibrate.Fewest
	few := all.subset([]int{0, 1, 2, 3, 4, 5, 6})
	for _, share := range []float64{0.01, 0.2, 0.9} {
		if training, held = split(few, share, 1); len(training.pool) != fewestToTrain || len(held.pool) != calibrate.Fewest {
			t.Errorf("seven pictures, %v: %d and %d", share, len(training.pool), len(held.pool))
		}
	}
	if enough(fewest, "") != nil || enough(fewest-1, "") == nil {
		t.Error("seven pictures are enough, six are too few")
	}
}

// All pictures of a part go the same way, and the share is one of parts.
func TestSplitKeepsPartsTogether(t *testing.T) {
	all := &pictures{}
	for i := range 100 {
		all.names, all.pool = append(all.names, fmt.Sprint(i)), append(all.pool, []byte{byte(i)})
		all.sizes, all.parts = append(all.sizes, image.Point{}), append(all.parts, i%40) // two or three of each
	}
	for seed := range uint64(20) {
		training, held := split(all, 0.25, seed)
		if len(training.pool)+len(held.pool) != 100 || len(held.byPart()) != 10 || len(training.byPart()) != 30 {
			t.Fatalf("%d pictures of %d parts, %d of %d held back", len(training.pool), len(training.byPart()), len(held.pool), len(held.byPart()))
		}
		for i, part := range held.parts {
			if slices.Contains(training.parts, part) {
				t.Fatalf("%s shows part %d, of which the training has pictures", held.names[i], part)
			}
		}
		for _, p := range held.forCalibration() {
			if p.Part == 0 {
				t.Fatal("the calibration is not told which part it is")
			}
		}
	}
}
