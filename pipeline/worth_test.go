package pipeline

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/model"
	"faird/verdict"
)

func TestFaultyPictureIsNoRead(t *testing.T) {
	dir := t.TempDir()
	black := gocv.NewMatWithSize(64, 64, gocv.MatTypeCV8UC3)
	defer black.Close()
	for i := range 3 {
		if !gocv.IMWrite(filepath.Join(dir, fmt.Sprintf("%d.png", i)), black) {
			t.Fatal("a test picture cannot be written")
		}
	}
	path := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 0.2)
	b, out := newTestBox(t)
	s := station("cap", path, dir)
	if err := apply(t, b, s); err != nil {
		t.Fatal(err)
	}
	v := next(t, out)
	if v.Verdict != verdict.NoRead || v.Reason != verdict.InvalidPicture || v.Fault == nil ||
		v.Fault.Check != verdict.Black || *v.Fault.Measurement != (verdict.Measurement{Value: 1, Limit: 0.995}) || v.Detail == "" {
		t.Errorf("%s %s %q %+v", v.Verdict, v.Reason, v.Detail, v.Fault)
	}
	all := 1.0
	s.Validity.DarkMax = &all
	if err := apply(t, b, s); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(10 * time.Second); ; {
		if v := next(t, out); v.Verdict != verdict.NoRead && v.Fault == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatal("with the limit off black pictures are still refused")
		}
	}
}

// next waits for a box's next verdict.
func next(t *testing.T, out *fakeOutlet) *verdict.Verdict {
	t.Helper()
	select {
	case v := <-out.verdicts:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("no verdict came")
		return nil
	}
}

func TestFilesNeverFreeze(t *testing.T) {
	for url, want := range map[string]time.Duration{"demo://": 10 * time.Second, "file:///a.png?loop=true": 0} {
		s := config.DefaultStation()
		s.Camera.URL = url
		if o := inspectOptions(s, nil); o.Frozen != want || o.Limits == nil {
			t.Errorf("%s: frozen after %v, want %v", url, o.Frozen, want)
		}
	}
	learnt := inspectOptions(config.DefaultStation(), &model.Calibration{Look: &model.Look{Brightness: model.Spread{Mean: 100, Min: 100, Max: 100}}})
	if learnt.Limits.Brightness.Low != 80 {
		t.Errorf("the model's look is not used: %+v", learnt.Limits)
	}
}
