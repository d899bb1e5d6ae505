package gallery

import (
	"bytes"
	"context"
	"errors"
	"image"
	jpegs "image/jpeg"
	"image/png"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/store"
	"faird/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeArchive keeps in memory, when the test lets it.
type fakeArchive struct {
	hold chan struct{} // when not nil, Put waits until it is closed
	err  error

	mu   sync.Mutex
	kept []store.Picture
	last map[string][]byte
}

func (a *fakeArchive) Put(_ context.Context, p store.Picture, _ *verdict.Verdict, files map[string][]byte) error {
	if a.hold != nil {
		<-a.hold
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.kept, a.last = append(a.kept, p), files
	return nil
}

func (a *fakeArchive) why() (out []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.kept {
		out = append(out, p.Why)
	}
	return out
}

// heard is what the gallery's listener was told.
type heard struct {
	mu    sync.Mutex
	views []*View
}

func (h *heard) listen(_ *verdict.Verdict, _ int64, v *View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views = append(h.views, v)
}

func run(t *testing.T, c config.Archive, a archive) (*Gallery, *heard) {
	t.Helper()
	h := new(heard)
	g := New(c, a, h.listen, zerolog.Nop())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return g, h
}

func number(v float64) *float64 { return &v }

func judged(kind verdict.Kind, score float64) *verdict.Verdict {
	return &verdict.Verdict{ID: "01JDCQ6Q4Z0M2N3P4Q5R6S7T8V", Station: "cap", Verdict: kind, Score: number(score), Threshold: number(1), Review: nil}
}

func frame(t *testing.T, kind gocv.MatType) *camera.Frame {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(200, 100, 50, 0), 480, 640, kind)
	t.Cleanup(func() { _ = m.Close() })
	return &camera.Frame{Picture: m}
}

func look() *inspect.Look {
	l := &inspect.Look{Field: image.Rect(10, 20, 110, 120), W: 8, H: 8, Map: make([]float32, 64), Restored: make([]float32, 3*64)}
	l.Map[0], l.Map[1] = 2, 1
	return l
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + ": not within 30s")
		}
	}
}

func TestWhatIsWorthKeeping(t *testing.T) {
	policy := config.Archive{MaxBytes: 1, Near: 0.1}
	sampled := policy
	sampled.Sample = 1
	off := sampled
	off.MaxBytes = 0
	review := judged(verdict.Pass, 0.55)
	review.Review = number(0.6)
	none := judged(verdict.NoRead, 0)
	none.Score = nil
	for name, c := range map[string]struct {
		policy config.Archive
		v      *verdict.Verdict
		want   string
	}{
		"fail":                   {policy, judged(verdict.Fail, 1.2), "fail"},
		"review":                 {policy, judged(verdict.Review, 0.8), "review"},
		"near the threshold":     {policy, judged(verdict.Pass, 0.9), "near"},
		"near the lower one":     {policy, review, "near"},
		"far from it":            {policy, judged(verdict.Pass, 0.89), ""},
		"far from it, a sample":  {sampled, judged(verdict.Pass, 0.1), "sample"},
		"no_read":                {sampled, none, ""},
		"when nothing is wanted": {off, judged(verdict.Fail, 1.2), ""},
	} {
		g := New(c.policy, new(fakeArchive), nil, zerolog.Nop())
		if got := g.worth(c.v); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestKeptPicturesAreWhole(t *testing.T) {
	a := new(fakeArchive)
	g, h := run(t, config.Archive{MaxBytes: 1}, a)
	if !g.Show(judged(verdict.Fail, 1.5), 7, frame(t, gocv.MatTypeCV8UC3), look) {
		t.Fatal("not taken")
	}
	until(t, "kept", func() bool { return len(a.why()) == 1 })
	p := a.kept[0]
	if p.Key != 7 || p.Width != 640 || p.Field != (store.Rect{X: 10, Y: 20, W: 100, H: 100}) || !h.views[0].Judged {
		t.Errorf("kept %+v", p)
	}
	original, err := png.Decode(bytes.NewReader(a.last["picture.png"]))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := original.At(9, 9).RGBA(); r>>8 != 50 || g>>8 != 100 || b>>8 != 200 {
		t.Errorf("the picture's colours became %d %d %d", r>>8, g>>8, b>>8)
	}
	small, err := jpegs.Decode(bytes.NewReader(a.last["thumb.jpg"]))
	if err != nil || small.Bounds().Dx() != thumbWidth || small.Bounds().Dy() != 240 {
		t.Errorf("thumbnail %v, %v", small.Bounds(), err)
	}
	heat, err := png.Decode(bytes.NewReader(a.last["map.png"]))
	if err != nil {
		t.Fatal(err)
	}
	alpha := func(x int) uint32 { _, _, _, a := heat.At(x, 0).RGBA(); return a }
	if alpha(0) <= alpha(1) || alpha(1) <= alpha(2) || alpha(2) != 0 {
		t.Errorf("the map's peak, level and nothing are %d, %d, %d opaque", alpha(0), alpha(1), alpha(2))
	}
	if _, err := jpegs.Decode(bytes.NewReader(a.last["restored.jpg"])); err != nil {
		t.Error(err)
	}
}

func TestEveryKindOfPicture(t *testing.T) {
	for name, kind := range map[string]gocv.MatType{
		"grey": gocv.MatTypeCV8UC1, "16 bits": gocv.MatTypeCV16UC1, "16 bits, colour": gocv.MatTypeCV16UC3,
	} {
		g, _ := run(t, config.Archive{}, nil)
		if !g.Show(judged(verdict.Pass, 0.1), 1, frame(t, kind), look) {
			t.Fatal("not taken")
		}
		for _, view := range []Kind{Thumb, Whole, Restored, Map, Original} {
			if data, id, err := g.Newest("cap", view); err != nil || len(data) == 0 || id == "" {
				t.Errorf("%s: view %s: %v", name, view.File(), err)
			}
		}
	}
}

func TestWithoutAMap(t *testing.T) {
	g, h := run(t, config.Archive{}, nil)
	if !g.Show(judged(verdict.NoRead, 0), 1, frame(t, gocv.MatTypeCV8UC3), func() *inspect.Look { return nil }) {
		t.Fatal("not taken")
	}
	if v := h.views[0]; v == nil || v.Judged || v.Field.W != 640 {
		t.Errorf("view %+v", v)
	}
	if _, _, err := g.Newest("cap", Map); !errors.Is(err, ErrNone) {
		t.Errorf("map: %v", err)
	}
	if _, _, err := g.Newest("lid", Thumb); !errors.Is(err, ErrNone) {
		t.Errorf("a station without a picture: %v", err)
	}
}

// With tiles there is no restoration, and the map is as large as the picture.
func TestLargeMapOfTiles(t *testing.T) {
	g, h := run(t, config.Archive{}, nil)
	const w, height = 3000, 1001
	l := &inspect.Look{Field: image.Rect(0, 0, w, height), W: w, H: height, Map: make([]float32, w*height)}
	l.Map[w*height-1] = 2 // alone in the last corner
	if !g.Show(judged(verdict.Fail, 2), 1, frame(t, gocv.MatTypeCV8UC3), func() *inspect.Look { return l }) {
		t.Fatal("not taken")
	}
	if v := h.views[0]; !v.Judged || v.Restored {
		t.Errorf("view %+v", v)
	}
	data, _, err := g.Newest("cap", Map)
	if err != nil {
		t.Fatal(err)
	}
	heat, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	size := heat.Bounds().Size()
	if _, _, _, a := heat.At(size.X-1, size.Y-1).RGBA(); size.X*size.Y > mostHeat || a < 0xd000 {
		t.Errorf("a map of %v whose peak is %d opaque", size, a)
	}
	if _, _, err := g.Newest("cap", Restored); !errors.Is(err, ErrNone) {
		t.Errorf("restoration: %v", err)
	}
}

// While nobody watches pictures are hardly ever taken; while somebody does, ten
// times a second at most, and of everything that did not pass.
func TestPace(t *testing.T) {
	g, h := run(t, config.Archive{}, nil)
	show := func(kind verdict.Kind) bool { return g.Show(judged(kind, 0.1), 1, frame(t, gocv.MatTypeCV8UC3), look) }
	if !show(verdict.Pass) || show(verdict.Pass) || show(verdict.Fail) {
		t.Error("unwatched: want the first alone")
	}
	stop := g.Watch()
	if !show(verdict.Fail) || show(verdict.Pass) {
		t.Error("watched: want the fail, and no pass right after it")
	}
	time.Sleep(watchedEvery)
	if !show(verdict.Pass) {
		t.Error("watched: want a pass after a while")
	}
	stop()
	stop() // twice is once
	if g.watchers.Load() != 0 {
		t.Error("somebody watches still")
	}
	if len(h.views) != 6 {
		t.Errorf("the listener heard of %d verdicts", len(h.views))
	}
}

// Many stations share a pace, so that what watching costs does not grow with them.
func TestPaceOfManyStations(t *testing.T) {
	g, _ := run(t, config.Archive{}, nil)
	g.Watch()
	part, taken := frame(t, gocv.MatTypeCV8UC1).Picture, 0
	show := func(station int) {
		v := judged(verdict.Pass, 0.1)
		v.Station = strconv.Itoa(station)
		if g.Show(v, 1, &camera.Frame{Picture: part}, look) {
			taken++
		}
	}
	const stations = 1000 // 125 s
	for i := range stations {
		show(i)
	}
	time.Sleep(watchedEvery)
	for i := range stations {
		show(i)
	}
	if taken != stations {
		t.Errorf("took %d pictures of %d stations", taken, stations)
	}
}

// An archive that hangs costs pictures, never time; frames are bounded.
func TestSlowArchive(t *testing.T) {
	a := &fakeArchive{hold: make(chan struct{})}
	g, h := run(t, config.Archive{MaxBytes: 1}, a)
	taken := 0
	for range 20 {
		if g.Show(judged(verdict.Fail, 2), 1, frame(t, gocv.MatTypeCV8UC3), look) {
			taken++
		}
	}
	if taken != held || g.Skipped() != 20-held || len(h.views) != 20 {
		t.Errorf("took %d, skipped %d, told of %d", taken, g.Skipped(), len(h.views))
	}
	close(a.hold)
	until(t, "the rest is kept", func() bool { return len(a.why()) == taken })
	until(t, "frames come back", func() bool { return g.Show(judged(verdict.Fail, 2), 1, frame(t, gocv.MatTypeCV8UC3), look) })
}

func TestArchiveThatRefuses(t *testing.T) {
	a := &fakeArchive{err: store.ErrFloor}
	g, _ := run(t, config.Archive{MaxBytes: 1}, a)
	g.Show(judged(verdict.Fail, 2), 1, frame(t, gocv.MatTypeCV8UC3), look)
	until(t, "counted", func() bool { return g.Skipped() == 1 })
}

func TestRendersOnceForAll(t *testing.T) {
	g, _ := run(t, config.Archive{}, nil)
	g.Show(judged(verdict.Pass, 0.1), 1, frame(t, gocv.MatTypeCV8UC3), look)
	var wait sync.WaitGroup
	got := make([][]byte, 10)
	for i := range got {
		wait.Go(func() { got[i], _, _ = g.Newest("cap", Thumb) })
	}
	wait.Wait()
	for i := range got {
		if len(got[i]) == 0 || &got[i][0] != &got[0][0] {
			t.Fatal("rendered more than once")
		}
	}
}

// BenchmarkShow is what a verdict costs its station: while somebody watches, a
// copy of the map and of the restoration.
func BenchmarkShow(b *testing.B) {
	g := New(config.Archive{}, nil, func(*verdict.Verdict, int64, *View) {}, zerolog.Nop())
	g.Watch()
	m := gocv.NewMatWithSize(960, 1280, gocv.MatTypeCV8UC3)
	defer m.Close()
	l := &inspect.Look{Field: image.Rect(0, 0, 1280, 960), W: 256, H: 256, Map: make([]float32, 256*256), Restored: make([]float32, 3*256*256)}
	v := judged(verdict.Fail, 2)
	b.ReportAllocs()
	for b.Loop() {
		g.Show(v, 1, &camera.Frame{Picture: m}, func() *inspect.Look { return l })
	}
}
