package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func subfolders(f *Folder) { f.settings.Subfolders = true }

func (r *rig) mkdir(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.ok(os.MkdirAll(r.path(name), 0o700))
	}
}

func TestDatedFolders(t *testing.T) {
	t.Parallel()
	r := watching(t, subfolders)
	r.mkdir("2026/11/30")
	r.put("2026/11/30/a.png", "2026/b.png")
	names := map[string]bool{}
	for range 2 { // the folders may have been found when their files were there already
		g := r.next()
		names[g.name] = g.data == contentOf(g.name)
	}
	if !names["2026/11/30/a.png"] || !names["2026/b.png"] {
		t.Errorf("%v", names)
	}
	r.put("2026/11/30/c.png")
	r.want("2026/11/30/c.png")
	r.put("2026/11/30/a.png") // a new image under an old name
	r.want("2026/11/30/a.png")
	r.nothing()
}

func TestFolderThatComesWithItsFiles(t *testing.T) {
	t.Parallel()
	r := watching(t, subfolders)
	outside := filepath.Join(t.TempDir(), "batch")
	r.ok(os.MkdirAll(filepath.Join(outside, "deep/deeper"), 0o700))
	for _, name := range []string{"1.png", "deep/2.png", "deep/deeper/3.png"} {
		r.ok(os.WriteFile(filepath.Join(outside, name), []byte(contentOf(name)), 0o600))
	}
	r.ok(os.Rename(outside, r.path("batch")))
	r.want("batch/1.png", "batch/deep/2.png", "batch/deep/deeper/3.png")
	r.ok(os.Rename(r.path("batch"), r.path("done"))) // what was judged stays judged
	r.nothing()
	r.put("done/deep/4.png")
	r.want("done/deep/4.png")
	r.ok(os.RemoveAll(r.path("done")))
	r.nothing()
	if n := len(r.tree.folders); n != 1 {
		t.Errorf("%d folders are still watched", n)
	}
	r.mkdir("done")
	r.put("done/1.png")
	r.want("done/1.png")
}

func TestFolderRenamedWhileItsImagesWait(t *testing.T) {
	t.Parallel()
	r := watching(t, subfolders)
	r.mkdir("tmp")
	r.nothing()
	r.put("tmp/1.png")
	r.ok(os.Rename(r.path("tmp"), r.path("final")))
	r.want("final/1.png")
	r.nothing()
	if n := len(r.log.lines(t)); n != 1 {
		t.Errorf("logged %+v", r.log.lines(t))
	}
}

func TestFoldersThatAreNotWatched(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) {
		subfolders(f)
		f.limits.depth = 3
	})
	r.mkdir("a/b/c/d", "@eaDir", ".trash", "lost+found")
	r.ok(os.Symlink(t.TempDir(), r.path("elsewhere")))
	r.ok(os.Symlink(".", r.path("loop")))
	r.logged("a/b/c/d", "more than 3 folders down")
	r.logged("@eaDir", "system folder")
	r.logged(".trash", "hidden")
	r.logged("lost+found", "system folder")
	r.logged("elsewhere", "link to a folder")
	r.logged("loop", "link to a folder")
	r.write("@eaDir/thumb.png", "x")
	r.write(".trash/deleted.png", "x")
	r.write("a/b/c/d/deep.png", "x")
	r.nothing()
	r.put("a/b/c/1.png")
	r.want("a/b/c/1.png")
}

func TestMoreFoldersThanAreWatched(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) {
		subfolders(f)
		f.limits.folders = 5
	})
	for i := range 5 {
		r.mkdir(fmt.Sprint(i))
	}
	_, err := r.Next(t.Context())
	if err == nil || !strings.Contains(err.Error(), "more than 5 folders") {
		t.Errorf("%v", err)
	}
}

func TestJudgedImagesAreTakenOut(t *testing.T) {
	t.Parallel()
	for _, then := range []string{Remove, Move} {
		t.Run(then, func(t *testing.T) {
			to := t.TempDir()
			r := watching(t, func(f *Folder) {
				subfolders(f)
				f.settings.Then = then
				if then == Move {
					f.settings.To = to
				}
			})
			r.mkdir("2026/11")
			r.put("1.png", "2026/11/2.png", "stays.txt")
			outside := r.elsewhere("linked.png")
			r.ok(os.Symlink(outside, r.path("linked.png")))
			r.ok(os.WriteFile(filepath.Join(to, "1.png"), []byte("an older one"), 0o600))
			for range 3 {
				r.next().image.Judged()
			}
			r.put("late.png")
			r.want("late.png") // and has no verdict yet
			if left := filesIn(t, r.dir); left != "[late.png stays.txt]" {
				t.Errorf("left behind: %s", left)
			}
			if moved := filesIn(t, to); then == Move && (!strings.Contains(moved, "2026/11/2.png") || strings.Count(moved, "1") < 2 || !strings.Contains(moved, "linked.png")) {
				t.Errorf("moved: %s", moved)
			}
			if old, err := os.ReadFile(filepath.Join(to, "1.png")); err != nil || string(old) != "an older one" {
				t.Errorf("replaced what was there: %q, %v", old, err)
			}
			if _, err := os.Stat(outside); err != nil {
				t.Errorf("a link's file was taken: %v", err)
			}
			if _, err := os.Stat(r.path("2026/11")); err != nil {
				t.Errorf("folders stay: %v", err)
			}
		})
	}
}

func TestImageReplacedBeforeItsVerdictStays(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) { f.settings.Then = Remove })
	r.put("a.png")
	g := r.next()
	r.write("a.png", "the next part")
	g.image.Judged()
	if g = r.next(); g.data != "the next part" {
		t.Errorf("%+v", g)
	}
}

func TestImageThatCannotBeTakenOut(t *testing.T) {
	t.Parallel()
	to := t.TempDir()
	r := watching(t, func(f *Folder) { f.settings.Then, f.settings.To = Move, to })
	r.put("a.png")
	g := r.next()
	r.ok(os.Remove(to))
	r.ok(os.WriteFile(to, nil, 0o600)) // no folder any more
	g.image.Judged()
	if _, err := r.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "taken out") {
		t.Errorf("%v", err)
	}
	r.Close()
	if _, err := r.Open(nopLog, most); err == nil {
		t.Error("opened, though nothing can be taken out")
	}
	r.ok(os.Remove(to))
	r.ok(os.Mkdir(to, 0o700))
	r.reopen(r.Folder)
	r.nothing() // it was judged
	if moved := filesIn(t, to); moved != "[a.png]" {
		t.Errorf("moved later: %s", moved)
	}
}

func TestWhereImagesCannotBeMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside, link := filepath.Join(dir, "done"), filepath.Join(t.TempDir(), "link")
	for _, err := range []error{os.Mkdir(inside, 0o700), os.Symlink(inside, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for to, want := range map[string]string{
		dir:              "the watched folder itself",
		inside:           "is in the watched folder",
		link:             "is in the watched folder",
		"/no/such/dir":   "to=/no/such/dir",
		"/dev/shm":       "another file system",
		link + "/absent": "no such file",
	} {
		s := settings(dir)
		s.Then, s.To, s.Subfolders = Move, to, true
		if _, err := New(s).Open(nopLog, most); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to=%s: %v, want %q", to, err, want)
		}
	}
	s := settings(dir)
	s.Then, s.To = Move, inside // not watched without subfolders, and not worth a line
	f := newFolder(s)
	r := &rig{t: t, dir: dir, log: &journal{}}
	r.reopen(f)
	r.nothing()
	if lines := r.log.lines(t); len(lines) != 0 {
		t.Errorf("logged %+v", lines)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	var data []byte
	for _, e := range []struct {
		mask uint32
		name string
	}{{unix.IN_CLOSE_WRITE, "a.png"}, {unix.IN_CREATE | unix.IN_ISDIR, "folder"}, {unix.IN_Q_OVERFLOW, ""}} {
		event := make([]byte, unix.SizeofInotifyEvent+16)
		event[0], event[8] = 7, 9
		event[4], event[5], event[6], event[7] = byte(e.mask), byte(e.mask>>8), byte(e.mask>>16), byte(e.mask>>24)
		event[12] = 16
		copy(event[unix.SizeofInotifyEvent:], e.name)
		data = append(data, event...)
	}
	want := []notice{{7, unix.IN_CLOSE_WRITE, 9, "a.png"}, {7, unix.IN_CREATE | unix.IN_ISDIR, 9, "folder"}, {7, unix.IN_Q_OVERFLOW, 9, ""}}
	if got := parse(data[:len(data)-1]); fmt.Sprint(got) != fmt.Sprint(want[:2]) { // the last one is cut off
		t.Errorf("%+v", got)
	}
	if got := parse(data); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}

func TestFolderThatIsMovedAwayIsNoLongerWatched(t *testing.T) {
	t.Parallel()
	r := watching(t, subfolders)
	r.mkdir("a/b")
	r.put("a/b/1.png")
	r.want("a/b/1.png")
	if n := r.kernelWatches(); n != 3 {
		t.Errorf("the kernel watches %d folders, want 3", n)
	}
	outside := filepath.Join(t.TempDir(), "a")
	r.ok(os.Rename(r.path("a"), outside))
	r.nothing()
	if n := r.kernelWatches(); n != 1 {
		t.Errorf("the kernel watches %d folders, want 1", n)
	}
}

// kernelWatches is what proc(5) shows of the inotify descriptor.
func (r *rig) kernelWatches() int {
	r.t.Helper()
	var text []byte
	r.ok(r.tree.notices.control(func(fd int) (err error) {
		text, err = os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		return err
	}))
	return strings.Count(string(text), "inotify wd:")
}
