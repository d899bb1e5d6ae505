package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/camera/imagefile"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
)

// takeAll takes frames until the end, at a pace of its own.
func takeAll(t *testing.T, cam *Camera) (names []string, shades []uint8, broken []error) {
	t.Helper()
	for {
		f, err := cam.Next(short(t, patience), time.Now())
		if errors.Is(err, io.EOF) {
			return names, shades, broken
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Source)
		if f.Err != nil {
			broken = append(broken, f.Err)
			if !f.Picture.Empty() {
				t.Error("a broken picture came with pixels")
			}
		} else {
			shades = append(shades, shade(f.Picture))
		}
		if f.Sequence != uint64(len(names)) {
			t.Errorf("frame %d has sequence %d", len(names), f.Sequence)
		}
		f.Release()
	}
}

func TestFolderOnceGivesEveryPictureInOrder(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"b.png", "a.bmp", "d.jpg", "c.tif", "e.png"} {
		writePicture(t, dir, name, uint8(10*(i+1)))
	}
	writePicture(t, dir, ".hidden.png", 1)
	writeText(t, dir, "notes.txt")
	for _, err := range []error{
		os.Rename(filepath.Join(dir, "d.jpg"), filepath.Join(dir, "d.jfif")),
		os.Mkdir(filepath.Join(dir, "folder.png"), 0o700), os.Symlink(t.TempDir(), filepath.Join(dir, "linked.png")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cam := start(t, "file://"+dir, config.Camera{})
	if !cam.Every() {
		t.Error("a folder gone through once must give every picture")
	}
	names, shades, broken := takeAll(t, cam)
	if got, want := fmt.Sprint(names, shades, broken), "[a.bmp b.png c.tif d.jfif e.png] [20 10 40 30 50] []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s := cam.Status(); s.Frames != 5 || s.Dropped != 0 || s.Connected {
		t.Errorf("status at the end %+v", s)
	}
}

func TestGlobAndSinglePicture(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		writePicture(t, dir, fmt.Sprintf("part%d.png", i), uint8(i))
	}
	writePicture(t, dir, "other.png", 9)
	for path, want := range map[string]int{"/part*.png": 4, "/part[12].png": 2, "/other.png": 1} {
		names, _, _ := takeAll(t, start(t, "file://"+dir+path, config.Camera{}))
		if len(names) != want {
			t.Errorf("%s gave %v, want %d pictures", path, names, want)
		}
	}
}

func TestBrokenPicturesAreReportedByName(t *testing.T) {
	dir := t.TempDir()
	writePicture(t, dir, "1.png", 1)
	truncate(t, writePicture(t, dir, "2.png", 2), 0.6)
	truncate(t, writePicture(t, dir, "3.jpg", 3), 0.6)
	truncate(t, writePicture(t, dir, "4.bmp", 4), 0.6)
	truncate(t, writePicture(t, dir, "5.tif", 5), 0.6)
	truncate(t, writePicture(t, dir, "6.png", 6), 0)
	if err := os.WriteFile(filepath.Join(dir, "7.png"), []byte("not a picture at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "8.png")); err != nil {
		t.Fatal(err)
	}
	writePicture(t, dir, "9.png", 9)
	names, shades, broken := takeAll(t, start(t, "file://"+dir, config.Camera{}))
	if len(names) != 9 || fmt.Sprint(shades) != "[1 9]" {
		t.Fatalf("names %v, shades %v, broken %v", names, shades, broken)
	}
	for i, err := range broken {
		if !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), names[i+1]) {
			t.Errorf("error %v is not a picture error that names %s", err, names[i+1])
		}
	}
}

// The station's limit counts for files too, whatever their names say.
func TestFilesBeyondTheLimit(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"1.png", "2.jpg", "3.bmp", "4.tif"} {
		writePicture(t, dir, name, uint8(i))
	}
	width, height := pictureSize(t, dir+"/1.png")
	for maxPixels, want := range map[int]verdict.Check{width * height: "", width*height - 1: verdict.TooLarge} {
		_, shades, broken := takeAll(t, start(t, "file://"+dir, config.Camera{MaxPixels: maxPixels}))
		for _, err := range broken {
			if fault.Of(err) != want {
				t.Errorf("limit %d: %v", maxPixels, err)
			}
		}
		if (want == "") != (len(shades) == 4) || len(shades)+len(broken) != 4 {
			t.Errorf("limit %d: %d judged, %v", maxPixels, len(shades), broken)
		}
	}
}

func pictureSize(t *testing.T, path string) (width, height int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := imagefile.ReadHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	return h.Width, h.Height
}

func TestFolderWaitsForTheTaker(t *testing.T) {
	dir := t.TempDir()
	const pictures = 12
	for i := range pictures {
		writePicture(t, dir, fmt.Sprintf("%02d.png", i), uint8(i))
	}
	cam := start(t, "file://"+dir, config.Camera{ReadTimeout: 20 * time.Millisecond})
	eventually(t, cam, "reading", func(s Status) bool { return s.Frames > 0 })
	time.Sleep(100 * time.Millisecond) // several read deadlines: the taker is slow, not the source
	if s := cam.Status(); s.Frames > 3 || s.Abandoned != 0 {
		t.Errorf("it ran ahead of the taker: %+v", s)
	}
	if names, _, _ := takeAll(t, cam); len(names) != pictures {
		t.Errorf("%d of %d pictures came", len(names), pictures)
	}
}

func TestPictureIsCapturedWhenAskedFor(t *testing.T) {
	dir := t.TempDir()
	writePicture(t, dir, "a.png", 1)
	cam := start(t, "file://"+dir, config.Camera{})
	eventually(t, cam, "read", func(s Status) bool { return s.Frames == 1 })
	trigger := time.Now()
	f := next(t, cam, trigger)
	defer f.Release()
	if f.Captured.Before(trigger) {
		t.Errorf("captured %v before the trigger", trigger.Sub(f.Captured))
	}
}

func TestRunEndsWithTheLastPicture(t *testing.T) {
	dir := t.TempDir()
	writePicture(t, dir, "a.png", 1)
	cam, err := Open(config.Camera{URL: "file://" + dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cam.Run(context.Background()) }()
	eventually(t, cam, "read", func(s Status) bool { return s.Frames == 1 })
	select {
	case err := <-done:
		t.Fatalf("Run returned %v with a picture still to be taken", err)
	case <-time.After(30 * time.Millisecond):
	}
	f := next(t, cam, time.Time{})
	wantErr(t, <-done, io.EOF)
	if shade(f.Picture) != 1 {
		t.Error("the picture changed after the end")
	}
	f.Release()
	_, err = cam.Next(context.Background(), time.Time{})
	wantErr(t, err, io.EOF)
}

func TestLoopingFolderRelistsAndDrops(t *testing.T) {
	dir := t.TempDir()
	writePicture(t, dir, "a.png", 1)
	cam := start(t, "file://"+dir+"?loop=true&rate=200", config.Camera{})
	if cam.Every() {
		t.Error("a looping folder is like a camera: the newest picture wins")
	}
	next(t, cam, time.Time{}).Release()
	writePicture(t, dir, "b.png", 2)
	for f := next(t, cam, time.Time{}); ; f = next(t, cam, time.Time{}) {
		came := f.Source == "b.png"
		f.Release()
		if came {
			break
		}
	}
	eventually(t, cam, "dropping", func(s Status) bool { return s.Dropped > 3 })
}

func TestMissingOrEmptyFolderIsWaitedFor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	cam := start(t, "file://"+dir, config.Camera{})
	s := eventually(t, cam, "lost", func(s Status) bool { return strings.Contains(s.Err, "no such file") })
	if s.Connected {
		t.Error("connected to a folder that is not there")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, cam, "empty", func(s Status) bool { return strings.Contains(s.Err, "no images in") })
	_, err := cam.Next(short(t, 10*time.Millisecond), time.Time{})
	wantErr(t, err, ErrLost)
	wantErr(t, err, context.DeadlineExceeded)
	writePicture(t, dir, "a.png", 7)
	f := next(t, cam, time.Time{})
	if shade(f.Picture) != 7 {
		t.Errorf("shade %d", shade(f.Picture))
	}
	f.Release()
}
