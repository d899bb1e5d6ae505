package camera

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

// writeVideo makes a Motion JPEG file whose pictures carry their number.
func writeVideo(t *testing.T, pictures int, rate float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "line.avi")
	w, err := gocv.VideoWriterFile(path, "MJPG", rate, 320, 240, true)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range pictures {
		if err := w.Write(grey(t, 240, 320, uint8(i%shades*shadeStep))); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestVideoOnceGivesEveryPicture(t *testing.T) {
	const pictures = 40
	cam := start(t, "video://"+writeVideo(t, pictures, 25), config.Camera{})
	if !cam.Every() {
		t.Error("each picture of a video must be judged")
	}
	for i := range pictures {
		f := next(t, cam, time.Now())
		if numberOf(f.Picture) != i%shades || f.Source != "line.avi" {
			t.Errorf("picture %d is number %d of %s", i, numberOf(f.Picture), f.Source)
		}
		f.Release()
	}
	_, err := cam.Next(short(t, patience), time.Time{})
	wantErr(t, err, io.EOF)
	if s := cam.Status(); s.Frames != pictures || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

func TestVideoLoops(t *testing.T) {
	cam := start(t, "video://"+writeVideo(t, 3, 25)+"?loop=true&rate=200", config.Camera{})
	eventually(t, cam, "several rounds", func(s Status) bool { return s.Frames > 10 && s.Connected })
	next(t, cam, time.Now()).Release()
}

func TestVideoAfterSkip(t *testing.T) {
	p, err := parse("video://" + writeVideo(t, 10, 25))
	if err != nil {
		t.Fatal(err)
	}
	cam := newCamera(withDefaults(config.Camera{}), p, nopLog)
	cam.status.Frames = 7 // as after a read that got stuck on the eighth picture
	runUntilEnd(t, cam)
	f := next(t, cam, time.Time{})
	if numberOf(f.Picture) != 7 || f.Sequence != 8 {
		t.Errorf("picture %d, sequence %d", numberOf(f.Picture), f.Sequence)
	}
	f.Release()
}

func TestWrongVideos(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.mp4"):       "no such file",
		dir:                                  "is a folder",
		writePicture(t, dir, "notes.png", 1): "",
		writeText(t, dir, "text.mp4"):        "Invalid data",
	} {
		if want == "" {
			continue // FFmpeg plays a picture as a video of one
		}
		cam := start(t, "video://"+path, config.Camera{})
		st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, want) })
		if !strings.Contains(st.Err, path) {
			t.Errorf("%s does not name %s", st.Err, path)
		}
		if _, err := cam.Next(short(t, 5*time.Millisecond), time.Time{}); errors.Is(err, io.EOF) {
			t.Errorf("%s was taken for a video that ended", path)
		}
	}
}
