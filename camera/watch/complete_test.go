package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/verdict"
)

func TestEachImageOnceInTheOrderOfCompletion(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	for i := range 20 { // names in no order
		name := fmt.Sprintf("%02d.png", (i*7)%20)
		if i%2 == 0 {
			r.put(name)
		} else {
			r.ok(os.Rename(r.elsewhere(name), r.path(name)))
		}
	}
	for i := range 20 {
		r.want(fmt.Sprintf("%02d.png", (i*7)%20))
	}
	r.nothing()
	r.write("00.png", "another image under an old name")
	if g := r.next(); g.name != "00.png" || g.data != "another image under an old name" {
		t.Errorf("%+v", g)
	}
	r.nothing()
}

// What came while nobody watched is judged first, oldest first.
func TestBacklogComesFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := &rig{t: t, dir: dir, log: &journal{}}
	r.put("2.png", "1.png")
	past := time.Now().Add(-time.Hour)
	r.ok(os.Chtimes(r.path("2.png"), past, past))
	time.Sleep(2 * quick)
	s := settings(dir)
	s.Then = Remove
	w, err := newFolder(s).Open(nopLog, most)
	r.ok(err)
	t.Cleanup(w.Close)
	r.Watcher = w
	r.put("0.png")
	r.ok(w.listen(0))
	r.want("2.png", "1.png", "0.png")
}

func TestWhatLiesThereAtFirst(t *testing.T) {
	t.Parallel()
	for _, then := range []string{Keep, Remove} {
		t.Run(then, func(t *testing.T) {
			dir := t.TempDir()
			r := &rig{t: t, dir: dir}
			r.put("2.png", "1.png", "notes.txt")
			past := time.Now().Add(-time.Hour)
			r.ok(os.Chtimes(r.path("2.png"), past, past))
			r = watchingAt(t, dir, func(f *Folder) { f.settings.Then = then })
			if then == Remove {
				r.want("2.png", "1.png") // the oldest first
				r.logged("notes.txt", "of another type")
				return
			}
			r.put("3.png")
			r.want("3.png")
			r.nothing()
			if l := r.log.lines(t); len(l) != 1 || l[0].Images != 2 {
				t.Errorf("logged %+v", l)
			}
			r.put("1.png") // written again: it is another image now
			r.want("1.png")
		})
	}
}

// What comes while the folder is listed for the first time is met by the listing
// before its notice is read.
func TestWhatComesDuringTheFirstListing(t *testing.T) {
	t.Parallel()
	s := settings(t.TempDir())
	s.Subfolders = true
	r := &rig{t: t, dir: s.Path, log: &journal{}}
	outside := filepath.Join(t.TempDir(), "batch")
	r.ok(os.Mkdir(outside, 0o700))
	r.ok(os.WriteFile(filepath.Join(outside, "b.png"), []byte(contentOf("b.png")), 0o600))
	w, err := newFolder(s).Open(nopLog, most)
	r.ok(err)
	t.Cleanup(w.Close)
	r.Watcher = w
	r.put("a.png")
	r.ok(os.Rename(outside, r.path("batch")))
	for w.sweep != nil { // without listening
		r.ok(w.step())
	}
	r.want("a.png", "batch/b.png")
	r.nothing()
}

func TestSlowWriterIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	file, err := os.Create(r.path("slow.png"))
	r.ok(err)
	for _, part := range strings.SplitAfter(contentOf("slow.png"), " ") {
		_, err := file.WriteString(part)
		r.ok(err)
		r.nothing() // though it has not changed for long enough
	}
	r.ok(file.Close())
	r.want("slow.png")
}

func TestWriterThatNeverCloses(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) { f.limits.stall = 3 * quick })
	file, err := os.Create(r.path("open.png"))
	r.ok(err)
	defer file.Close()
	_, err = file.WriteString(contentOf("open.png"))
	r.ok(err)
	r.want("open.png")
}

func TestEmptyFileIsIncomplete(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.write("empty.png", "")
	if g := r.next(); g.name != "empty.png" || fault.Of(g.err) != verdict.Incomplete {
		t.Errorf("%+v", g)
	}
	r.nothing()
}

func TestEmptyFileThatIsFilledLater(t *testing.T) {
	t.Parallel()
	r := watching(t, unhurried)
	r.write("late.png", "")
	if i, err := r.Next(t.Context()); i != nil || err != nil {
		t.Errorf("%+v, %v", i, err)
	}
	r.put("late.png")
	r.want("late.png")
}

func TestFileBeyondTheLimit(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.ok(os.WriteFile(r.path("huge.png"), nil, 0o600))
	r.ok(os.Truncate(r.path("huge.png"), 1<<40)) // sparse
	if g := r.next(); g.name != "huge.png" || fault.Of(g.err) != verdict.TooLarge {
		t.Errorf("%+v", g)
	}
	if cap(r.buffer) > most {
		t.Errorf("%d bytes were allocated for it", cap(r.buffer))
	}
}

// A broken image may be one whose writer is about to go on.
func TestBrokenImageComesAgain(t *testing.T) {
	t.Parallel()
	r := watching(t, unhurried)
	r.write("a.png", "half")
	g := r.next()
	if !r.Later(g.image) {
		t.Fatal("it was left alone for no time at all")
	}
	r.put("a.png")
	r.want("a.png")
	r.hurry()
	r.write("b.png", "half")
	if g = r.next(); !r.Later(g.image) {
		t.Fatal("it was left alone for no time at all")
	}
	if g = r.next(); g.data != "half" || !g.image.Settled || r.Later(g.image) {
		t.Errorf("%+v", g)
	}
	r.nothing()
}

func TestReplacedWhileItWaits(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.put("1.png")
	r.ok(r.listen(0))
	r.write("1.png", "replaced")
	r.put("2.png")
	r.ok(r.listen(0))
	r.write("1.png", "replaced again")
	r.want("2.png") // it was complete before the other's last content was
	if g := r.next(); g.name != "1.png" || g.data != "replaced again" {
		t.Errorf("%+v", g)
	}
	r.nothing()
	if n := r.lineOn("1.png", "give every image a name of its own"); n != 2 {
		t.Errorf("%d lines say that an image was lost, want 2", n)
	}
}

func TestClosedAgainWithoutAChange(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.put("a.png")
	r.want("a.png")
	file, err := os.OpenFile(r.path("a.png"), os.O_WRONLY|os.O_APPEND, 0)
	r.ok(err)
	r.ok(file.Close())
	r.logged("a.png", "has not changed")
}

// An image counts as judged once Next is called again; the one that was given
// last before a call hung may not have reached the station.
func TestUndeliveredImageComesAgain(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.put("a.png", "b.png")
	r.want("a.png", "b.png")
	r.Close()
	r.reopen(r.Folder)
	r.want("b.png")
	r.nothing()
}
