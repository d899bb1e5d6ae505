package camera

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"golang.org/x/sys/unix"
)

// watching starts a camera on a folder and waits until it watches.
func watching(t *testing.T, dir, query string) *Camera {
	t.Helper()
	cam := start(t, "watch://"+dir+query, config.Camera{})
	st := eventually(t, cam, "watching", func(s Status) bool { return s.Connected })
	if !st.OnCall || !cam.Every() {
		t.Errorf("%+v, every %v", st, cam.Every())
	}
	return cam
}

// judge takes one picture and answers for it.
func judge(t *testing.T, cam *Camera) (name string, shown uint8, err error) {
	t.Helper()
	f := next(t, cam, time.Time{})
	defer f.Release()
	if name, err = f.Source, f.Err; err == nil {
		shown = shade(f.Picture)
	}
	f.Answer(&verdict.Verdict{Verdict: verdict.Pass})
	return name, shown, err
}

// nothing makes sure that no further picture comes.
func nothing(t *testing.T, cam *Camera) {
	t.Helper()
	f, err := cam.Next(short(t, 2*watchSlice), time.Time{})
	if err == nil {
		t.Errorf("%s came once more, or was not to come: %v", f.Source, f.Err)
		f.Release()
	}
}

// deposit puts a picture there as a careful program does: under another name,
// then renamed.
func deposit(t *testing.T, dir, name string, shade uint8) {
	t.Helper()
	hidden := writePicture(t, t.TempDir(), name, shade)
	if err := os.Rename(hidden, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestWatchGivesEachPictureOnceInOrder(t *testing.T) {
	dir := t.TempDir()
	writePicture(t, dir, "before.png", 1)
	cam := watching(t, dir, "")
	for i := range 20 { // names in no order
		name := fmt.Sprintf("%02d.png", (i*7)%20)
		if i%2 == 0 {
			writePicture(t, dir, name, uint8(10+i))
		} else {
			deposit(t, dir, name, uint8(10+i))
		}
	}
	writeText(t, dir, "notes.txt")
	for i := range 20 {
		name, shown, err := judge(t, cam)
		if want := fmt.Sprintf("%02d.png", (i*7)%20); name != want || shown != uint8(10+i) || err != nil {
			t.Errorf("picture %d is %s of shade %d, %v; want %s", i, name, shown, err, want)
		}
	}
	nothing(t, cam)
	writePicture(t, dir, "00.png", 200) // a new picture under an old name
	if name, shown, _ := judge(t, cam); name != "00.png" || shown != 200 {
		t.Errorf("%s of shade %d", name, shown)
	}
	if s := cam.Status(); s.Frames != 21 || s.Dropped != 0 || !s.Connected {
		t.Errorf("%+v", s)
	}
}

func TestWatchWaitsForTheWholePicture(t *testing.T) {
	dir := t.TempDir()
	cam := watching(t, dir, "")
	whole, err := os.ReadFile(writePicture(t, t.TempDir(), "a.png", 77))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "slow.png")
	touch(t, path, nil) // some programs make the file first, empty
	file, err := os.OpenFile(path, os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for part := range 4 {
		if _, err := file.Write(whole[len(whole)*part/4 : len(whole)*(part+1)/4]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(watchSlice / 2)
		if s := cam.Status(); s.Frames != 0 {
			t.Errorf("taken after %d of 4 parts", part+1)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if name, shown, err := judge(t, cam); name != "slow.png" || shown != 77 || err != nil {
		t.Errorf("%s of shade %d, %v", name, shown, err)
	}
	touch(t, filepath.Join(dir, "broken.png"), whole[:len(whole)/2])
	if name, _, err := judge(t, cam); name != "broken.png" || err == nil {
		t.Errorf("half a picture %s: %v", name, err)
	}
}

func touch(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchTakesJudgedPicturesOut(t *testing.T) {
	for _, then := range []string{"remove", "move"} {
		t.Run(then, func(t *testing.T) {
			dir, done := t.TempDir(), t.TempDir()
			old := writePicture(t, dir, "before.png", 5) // nobody judged it: it must have come while faird was away
			past := time.Now().Add(-time.Hour)
			if err := os.Chtimes(old, past, past); err != nil {
				t.Fatal(err)
			}
			touch(t, filepath.Join(done, "before.png"), []byte("an older one"))
			query := "?then=remove"
			if then == "move" {
				query = "?then=move&to=" + done
			}
			cam := watching(t, dir, query)
			writePicture(t, dir, "after.png", 6)
			for _, want := range []string{"before.png", "after.png"} {
				if name, _, err := judge(t, cam); name != want || err != nil {
					t.Errorf("%s, %v; want %s", name, err, want)
				}
			}
			unjudged := writePicture(t, dir, "unjudged.png", 7)
			next(t, cam, time.Time{}).Release() // without an answer, as when faird stops
			if left := names(t, dir); left != "unjudged.png" {
				t.Errorf("left behind: %s", left)
			}
			if then == "move" && strings.Count(names(t, done), "before") != 2 {
				t.Errorf("moved: %s", names(t, done))
			}
			if _, err := os.Stat(unjudged); err != nil {
				t.Error(err)
			}
		})
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name()
	}
	return strings.Join(list, " ")
}

func TestWatchedFolderThatGoesAndReturns(t *testing.T) {
	parent := t.TempDir()
	dir, away := filepath.Join(parent, "in"), filepath.Join(parent, "away")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cam := watching(t, dir, "")
	writePicture(t, dir, "1.png", 1)
	if name, _, err := judge(t, cam); name != "1.png" || err != nil {
		t.Errorf("%s, %v", name, err)
	}
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
	old := writePicture(t, away, "2.png", 2) // comes while the folder is away
	past := time.Now().Add(-watchSettle)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	if name, _, err := judge(t, cam); name != "2.png" || err != nil {
		t.Errorf("%s, %v", name, err)
	}
	nothing(t, cam)
}

func TestWatchWhereItCannot(t *testing.T) {
	file := writeText(t, t.TempDir(), "file")
	dir := t.TempDir()
	for url, want := range map[string]string{
		file:                               "is not a folder",
		dir + "/none":                      "make the folder",
		dir + "?then=move&to=/no/such/dir": "to=/no/such/dir",
		dir + "?then=move&to=" + dir:       "the watched folder itself",
		dir + "?then=move&to=/dev/shm":     "another file system",
	} {
		cam := start(t, "watch://"+url, config.Camera{})
		eventually(t, cam, "refused "+url, func(s Status) bool { return strings.Contains(s.Err, want) })
	}
}

func TestNotices(t *testing.T) {
	var data []byte
	for _, e := range []struct {
		mask uint32
		name string
	}{{unix.IN_CLOSE_WRITE, "a.png"}, {unix.IN_CLOSE_WRITE | unix.IN_ISDIR, "folder"}, {unix.IN_DELETE, "b.png"}, {unix.IN_Q_OVERFLOW, ""}, {unix.IN_IGNORED, ""}} {
		event := make([]byte, unix.SizeofInotifyEvent+16)
		event[4], event[5], event[6], event[7] = byte(e.mask), byte(e.mask>>8), byte(e.mask>>16), byte(e.mask>>24)
		event[12] = 16
		copy(event[unix.SizeofInotifyEvent:], e.name)
		data = append(data, event...)
	}
	want := []notice{{name: "a.png"}, {name: "b.png", left: true}, {overflow: true}, {gone: true}}
	if got := notices(bytes.Clone(data[:len(data)-1])); fmt.Sprint(got) != fmt.Sprint(want[:3]) { // the last one is cut off
		t.Errorf("%+v", got)
	}
	if got := notices(data); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}
