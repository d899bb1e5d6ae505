package pipeline

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/config"
	"faird/verdict"
)

// bring puts an image into a watched folder, whole.
func bring(t *testing.T, folder, name string) {
	t.Helper()
	i := image.NewGray(image.Rect(0, 0, 16, 16))
	i.SetGray(3, 3, color.Gray{Y: name[0]})
	part := filepath.Join(folder, "."+name)
	f, err := os.Create(part)
	if err == nil {
		err = errors.Join(png.Encode(f, i), f.Close(), os.Rename(part, filepath.Join(folder, name)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// taken waits until a file is no longer in the folder.
func taken(t *testing.T, folder, name string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(folder, name)); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s was answered and is still in the folder: it would be judged again after a restart", name)
		}
	}
}

// An image of a watched folder has one verdict, and leaves the folder with it,
// whichever it is: one that came too late, while the station was busy, or while it
// was stopping.
func TestAnImageIsTakenOutWithWhateverItWasAnswered(t *testing.T) {
	folder := t.TempDir()
	r := newRig(t, "hardware", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 10)
		cam, err := camera.Open(config.Camera{URL: "watch://" + folder + "?then=remove"}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		r.Station.source = cam
	})
	answer := func(name string, want verdict.Reason) {
		t.Helper()
		if v := r.verdict(); v.Reason != want || v.Source != "" && v.Source != name {
			t.Errorf("%s: %s %s (%s), want %s", name, v.Verdict, v.Reason, v.Detail, want)
		}
	}
	for !r.Station.source.Status().Connected {
		time.Sleep(time.Millisecond)
	}
	bring(t, folder, "a.png")
	<-r.inspector.began
	answer("a.png", verdict.Late)
	bring(t, folder, "b.png") // handed to the judging loop, which is busy
	answer("b.png", verdict.Late)
	bring(t, folder, "c.png") // and that place is taken
	answer("c.png", verdict.Overrun)
	taken(t, folder, "c.png")
	r.inspector.hold <- struct{}{}
	taken(t, folder, "a.png")
	taken(t, folder, "b.png")

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	bring(t, folder, "d.png")
	select {
	case <-r.inspector.began:
	case <-ctx.Done():
		t.Fatal("the next image was not begun")
	}
	go func() {
		time.Sleep(20 * time.Millisecond)
		r.inspector.hold <- struct{}{}
	}()
	r.stop()
	taken(t, folder, "d.png") // begun before the stop, so judged
}
