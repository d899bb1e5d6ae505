package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; it is no measurement.
const patience = 30 * time.Second

// most is how many bytes a file may have in tests.
const most = 1 << 20

// quick is how long a file must be left alone in tests, unless they set it.
const quick = 150 * time.Millisecond

// journal keeps what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// line is one log line.
type line struct {
	Level, Message, File, Why, Example, Type string
	Files, Images                            int
}

func (j *journal) lines(t *testing.T) (list []line) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for text := range strings.Lines(j.text.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

// rig is a folder on the real file system, and who watches it.
type rig struct {
	*Watcher
	t   *testing.T
	dir string
	log *journal
}

func settings(dir string) Settings {
	return Settings{Path: dir, Then: Keep}
}

// watching opens a folder. set may change what applies, and may be nil.
func watching(t *testing.T, set func(*Folder)) *rig {
	t.Helper()
	return watchingAt(t, t.TempDir(), set)
}

func watchingAt(t *testing.T, dir string, set func(*Folder)) *rig {
	t.Helper()
	f := newFolder(settings(dir))
	if set != nil {
		set(f)
		f = rebuilt(f)
	}
	r := &rig{t: t, dir: dir, log: &journal{}}
	r.reopen(f)
	return r
}

func newFolder(s Settings) *Folder {
	f := New(s)
	f.limits.settle, f.limits.slice = quick, quick/2
	return f
}

// unhurried is for tests that must do something before a file counts as left
// alone, on however busy a machine.
func unhurried(f *Folder) { f.limits.settle = 2 * time.Second }

// hurry ends that.
func (r *rig) hurry() { r.limits.settle, r.arrivals.limits.settle = quick, quick }

// rebuilt lets a test change settings after New.
func rebuilt(f *Folder) *Folder {
	n := New(f.settings)
	n.limits = f.limits
	return n
}

// reopen watches a folder, again where it was watched before.
func (r *rig) reopen(f *Folder) {
	r.t.Helper()
	w, err := f.Open(zerolog.New(r.log), most)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Watcher = w
	r.t.Cleanup(w.Close)
	r.idle()
}

// idle lets the watcher finish listing.
func (r *rig) idle() {
	r.t.Helper()
	for w := r.Watcher; w.sweep != nil; {
		if err := w.turn(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// deaf makes the kernel silent about files, as if another machine wrote them.
func (r *rig) deaf() {
	r.t.Helper()
	if _, err := r.tree.notices.add(r.dir, unix.IN_DELETE_SELF); err != nil {
		r.t.Fatal(err)
	}
}

// got is an image that was given, with a copy of its data.
type got struct {
	name, data string
	err        error
	image      *Image
}

// next waits for an image.
func (r *rig) next() got {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		i, err := r.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if i != nil {
			return got{i.Name, string(i.Data), i.Err, i}
		}
	}
	r.t.Fatalf("no image came; logged %+v", r.log.lines(r.t))
	return got{}
}

// want takes images and compares their names.
func (r *rig) want(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if g := r.next(); g.name != name || g.err != nil || g.data != contentOf(name) {
			r.t.Errorf("%s with %q, %v came, want %s with %q", g.name, g.data, g.err, name, contentOf(name))
		}
	}
}

// nothing makes sure that no image comes within a time in which one would.
func (r *rig) nothing() {
	r.t.Helper()
	r.delivered()
	for end := time.Now().Add(2 * r.limits.settle); time.Now().Before(end); {
		r.turnAlone()
	}
}

// turnAlone does what is due, which is not to give an image.
func (r *rig) turnAlone() {
	r.t.Helper()
	r.ok(r.turn())
	i, err := r.take()
	r.ok(err)
	if i != nil {
		r.t.Errorf("%s came once more, or was not to come: %v", i.Name, i.Err)
	}
}

// logged waits for a line about a file, and makes sure that there is one.
func (r *rig) logged(file, why string) {
	r.t.Helper()
	r.delivered()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		r.turnAlone()
		if r.lineOn(file, why) > 0 {
			return
		}
	}
	r.t.Fatalf("nothing logged on %s; logged %+v", file, r.log.lines(r.t))
}

func (r *rig) lineOn(file, why string) (n int) {
	for _, l := range r.log.lines(r.t) {
		if l.File == file && strings.Contains(l.Why, why) && l.Level == "warn" {
			n++
		}
	}
	return n
}

// contentOf is what files of a name hold in these tests.
func contentOf(name string) string { return "content of " + filepath.Base(name) }

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// put writes a file and closes it.
func (r *rig) put(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.write(name, contentOf(name))
	}
}

func (r *rig) write(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// elsewhere is a file outside of the folder, on the same file system.
func (r *rig) elsewhere(name string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(contentOf(name)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func filesIn(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			list = append(list, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(list)
}
