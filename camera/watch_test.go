package camera

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
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
	f, err := cam.Next(short(t, time.Second), time.Time{})
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
		time.Sleep(time.Second / 4)
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
			time.Sleep(2200 * time.Millisecond) // until it counts as left alone: inodes show when their times were set
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
	past := time.Now().Add(-time.Minute)
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

// The rules are tested in package watch; these make sure that its answers become
// frames, and that nothing it leaves out stays unsaid.
func TestWatchAnswersForEveryFile(t *testing.T) {
	dir, done := t.TempDir(), t.TempDir()
	outside := writePicture(t, t.TempDir(), "a.png", 50)
	var log journal
	cam, err := Open(config.Camera{URL: "watch://" + dir + "?subfolders=true&then=move&to=" + done}, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	runUntilEnd(t, cam)
	eventually(t, cam, "watching", func(s Status) bool { return s.Connected })
	whole, err := os.ReadFile(outside)
	if err != nil {
		t.Fatal(err)
	}
	touch(t, filepath.Join(dir, "empty.png"), nil)
	touch(t, filepath.Join(dir, "half.png"), whole[:len(whole)/2])
	writeText(t, dir, "notes.txt")
	for _, err := range []error{
		os.Link(outside, filepath.Join(dir, "hard.png")),
		os.Symlink(outside, filepath.Join(dir, "soft.png")),
		os.Symlink("/no/such/file", filepath.Join(dir, "nowhere.png")),
		unix.Mkfifo(filepath.Join(dir, "pipe.png"), 0o600),
		os.MkdirAll(filepath.Join(dir, "2026/11/30"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	writePicture(t, dir, "2026/11/30/dated.png", 51)
	got := map[string]error{}
	for range 5 {
		name, shown, err := judge(t, cam)
		if got[name] = err; err == nil && shown != 50 && shown != 51 {
			t.Errorf("%s is of shade %d", name, shown)
		}
	}
	for _, name := range []string{"hard.png", "soft.png", "2026/11/30/dated.png"} {
		if err, ok := got[name]; !ok || err != nil {
			t.Errorf("%s was judged: %v; %v", name, ok, err)
		}
	}
	if fault.Of(got["empty.png"]) != verdict.Incomplete || !errors.Is(got["half.png"], ErrPicture) {
		t.Errorf("empty: %v; half: %v", got["empty.png"], got["half.png"])
	}
	for _, name := range []string{"notes.txt", "nowhere.png", "pipe.png"} {
		for end := time.Now().Add(patience); log.count(name) == 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		if n := log.count(name); n != 1 {
			t.Errorf("%d log lines on %s, want 1: %s", n, name, log.text())
		}
	}
	nothing(t, cam)
	if _, err := os.Stat(filepath.Join(done, "2026/11/30/dated.png")); err != nil {
		t.Error(err)
	}
	if left := names(t, dir); left != "2026 notes.txt nowhere.png pipe.png" {
		t.Errorf("left behind: %s", left)
	}
}

// journal keeps what was logged.
type journal struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buffer.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buffer.String()
}

// count is how many lines name a file.
func (j *journal) count(file string) int { return strings.Count(j.text(), `"file":"`+file+`"`) }
