package presence_test

import (
	"errors"
	"image"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera"
	"faird/camera/line"
	"faird/config"
	"faird/inspect/presence"
)

var usual = config.DefaultStation().Trigger.Change

// level is a picture of 100 points of which so many are bright.
func level(background, bright int) []byte {
	grey := make([]byte, 100)
	for i := range grey {
		grey[i] = byte(background)
		if i < bright {
			grey[i] = 250
		}
	}
	return grey
}

func TestDetector(t *testing.T) {
	forever, brief := usual, usual
	forever.Absorb, brief.Absorb = 0, 10*time.Second
	type step struct {
		times  int
		bright int // of 100 points
		light  int
	}
	for _, c := range []struct {
		name                    string
		conf                    config.Change
		steps                   []step // pictures a second apart
		entered, left, absorbed int
		present                 bool
	}{
		{"nothing comes", usual, []step{{50, 0, 60}}, 0, 0, 0, false},
		{"two parts", usual, []step{{5, 0, 60}, {5, 50, 60}, {5, 0, 60}, {5, 80, 60}, {5, 0, 60}}, 2, 2, 0, false},
		{"a part that stays", usual, []step{{5, 0, 60}, {20, 50, 60}}, 1, 0, 0, true},
		{"one picture alone is no part", usual, []step{{5, 0, 60}, {1, 90, 60}, {5, 0, 60}}, 0, 0, 0, false},
		{"one gap alone is no gap", usual, []step{{5, 0, 60}, {5, 90, 60}, {1, 0, 60}, {5, 90, 60}}, 1, 0, 0, true},
		{"less than a part", usual, []step{{5, 0, 60}, {5, 19, 60}, {5, 0, 60}}, 0, 0, 0, false},
		{"between the limits it stays", usual, []step{{5, 0, 60}, {5, 40, 60}, {5, 15, 60}, {5, 40, 60}, {5, 0, 60}}, 1, 1, 0, false},
		{"the light fades", usual, []step{{20, 0, 100}, {60, 0, 90}, {60, 0, 80}, {60, 0, 70}, {60, 0, 60}, {60, 0, 50}}, 0, 0, 0, false},
		{"a part that is parked, and taken away", brief, []step{{5, 0, 60}, {30, 50, 60}, {20, 0, 60}}, 1, 0, 1, false},
		{"a part that is parked, and the next", brief, []step{{5, 0, 60}, {30, 50, 60}, {5, 0, 60}, {5, 90, 60}, {5, 0, 60}}, 2, 1, 1, false},
		{"another light, for good", brief, []step{{5, 0, 60}, {30, 0, 120}, {5, 50, 120}, {5, 0, 120}}, 2, 1, 1, false},
		{"never absorbed", forever, []step{{5, 0, 60}, {500, 50, 60}}, 1, 0, 0, true},
	} {
		d, now := presence.NewDetector(c.conf), time.Unix(1000, 0)
		var got [4]int
		for _, s := range c.steps {
			for range s.times {
				now = now.Add(time.Second)
				got[d.Add(level(s.light, s.bright), now)]++
			}
		}
		if got[presence.Entered] != c.entered || got[presence.Left] != c.left || got[presence.Absorbed] != c.absorbed || d.Present() != c.present {
			t.Errorf("%s: %d entered, %d left, %d absorbed, present %v; want %d, %d, %d, %v", c.name,
				got[presence.Entered], got[presence.Left], got[presence.Absorbed], d.Present(), c.entered, c.left, c.absorbed, c.present)
		}
	}
}

// TestPartsOnTheLine: on the simulated line each part is seen once, while it is
// in view, under a light that is another for each.
func TestPartsOnTheLine(t *testing.T) {
	const parts, gap, period = 12, 4, 9
	l := line.New(line.Options{Seed: 5, Size: 320, Gap: gap})
	defer l.Close()
	conf := usual
	conf.Debounce = 1
	w := presence.NewWatcher(conf, nil)
	defer w.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	now := time.Unix(1000, 0)
	seen := map[uint64]int{}
	for n := uint64(5); n < parts*period; n++ { // begins with the belt empty
		truth := l.Render(n, &frame)
		now = now.Add(100 * time.Millisecond)
		e, err := w.Look(frame, now)
		if err != nil {
			t.Fatal(err)
		}
		if e == presence.Entered {
			seen[truth.Part]++
		}
	}
	for part := uint64(2); part <= parts; part++ {
		if seen[part] != 1 {
			t.Errorf("part %d was seen %d times", part, seen[part])
		}
	}
	if seen[0] != 0 {
		t.Errorf("%d parts on the empty belt", seen[0])
	}
}

func TestWatcherLooksAtItsRegion(t *testing.T) {
	picture := func(kind gocv.MatType, bright image.Rectangle) gocv.Mat {
		v := 60.0
		if kind == gocv.MatTypeCV16UC1 {
			v *= 257
		}
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(v, v, v, 0), 100, 200, kind)
		part := m.Region(bright)
		part.SetTo(gocv.NewScalar(3*v, 3*v, 3*v, 0))
		_ = part.Close()
		return m
	}
	inside, outside := image.Rect(110, 10, 150, 50), image.Rect(10, 10, 50, 50)
	conf := usual
	conf.Debounce, conf.Region = 1, config.Rect{X: 100, Y: 0, W: 60, H: 60}
	for _, kind := range []gocv.MatType{gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC1, gocv.MatTypeCV16UC1} {
		for _, c := range []struct {
			conf config.Change
			roi  *config.Rect
			at   image.Rectangle
			want presence.Event
		}{
			{conf, nil, inside, presence.Entered},
			{conf, nil, outside, presence.Nothing},
			{usualOnce(), &config.Rect{X: 0, Y: 0, W: 60, H: 60}, outside, presence.Entered},
			{usualOnce(), nil, inside, presence.Nothing}, // a twelfth of the whole picture
		} {
			w := presence.NewWatcher(c.conf, c.roi)
			empty, full := picture(kind, image.Rect(0, 99, 1, 100)), picture(kind, c.at)
			for _, m := range []gocv.Mat{empty, empty} {
				if _, err := w.Look(m, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := w.Look(full, time.Now()); got != c.want || err != nil {
				t.Errorf("type %v, %v in %+v: %v, %v; want %v", kind, c.at, c.conf.Region, got, err, c.want)
			}
			small := gocv.NewMatWithSize(20, 20, kind)
			if _, err := w.Look(small, time.Now()); c.conf.Region.W > 0 && !errors.Is(err, camera.ErrPicture) {
				t.Errorf("a picture that does not hold the region: %v", err)
			}
			for _, m := range []gocv.Mat{empty, full, small} {
				_ = m.Close()
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func usualOnce() config.Change {
	c := usual
	c.Debounce = 1
	return c
}

// BenchmarkLook is what watching adds to every picture of the camera.
func BenchmarkLook(b *testing.B) {
	m := gocv.NewMatWithSize(1000, 1000, gocv.MatTypeCV8UC3)
	defer m.Close()
	w := presence.NewWatcher(usual, nil)
	defer w.Close()
	for b.Loop() {
		if _, err := w.Look(m, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
