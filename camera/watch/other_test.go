package watch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

var nopLog = zerolog.Nop()

func TestLinks(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.ok(os.Link(r.elsewhere("hard.png"), r.path("hard.png")))
	r.want("hard.png")
	original := r.elsewhere("safe.png")
	r.ok(os.Link(original, r.path("safe.png"))) // how some deliver: link, then unlink
	r.ok(os.Remove(original))
	r.want("safe.png")
	r.ok(os.Symlink(r.elsewhere("soft.png"), r.path("soft.png")))
	r.want("soft.png")
	r.nothing()
}

func TestLinkToAFileThatGrows(t *testing.T) {
	t.Parallel()
	r := watching(t, unhurried)
	outside := r.elsewhere("grows.png")
	r.ok(os.WriteFile(outside, nil, 0o600))
	r.ok(os.Symlink(outside, r.path("grows.png")))
	file, err := os.OpenFile(outside, os.O_WRONLY, 0)
	r.ok(err)
	done := make(chan error, 1)
	go func() {
		defer file.Close()
		for _, c := range contentOf("grows.png") {
			time.Sleep(100 * time.Millisecond)
			if _, err := fmt.Fprintf(file, "%c", c); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	r.want("grows.png")
	r.ok(<-done)
}

// Each file that is never judged has one line that says why.
func TestWhatIsNeverJudged(t *testing.T) {
	for _, c := range []struct {
		file, why string
		make      func(r *rig) error
	}{
		{"notes.txt", "of another type", func(r *rig) error { return os.WriteFile(r.path("notes.txt"), nil, 0o600) }},
		{".hidden.png", "hidden", func(r *rig) error { return os.WriteFile(r.path(".hidden.png"), nil, 0o600) }},
		{"folder", "subfolders=true", func(r *rig) error { return os.Mkdir(r.path("folder"), 0o700) }},
		{"folder.png", "subfolders=true", func(r *rig) error { return os.Mkdir(r.path("folder.png"), 0o700) }},
		{"nowhere.png", "leads nowhere", func(r *rig) error { return os.Symlink("/no/such/file", r.path("nowhere.png")) }},
		{"circle.png", "in circles", func(r *rig) error { return os.Symlink("circle.png", r.path("circle.png")) }},
		{"linked.png", "link to a folder", func(r *rig) error { return os.Symlink("/tmp", r.path("linked.png")) }},
		{"linked", "link to a folder", func(r *rig) error { return os.Symlink("/tmp", r.path("linked")) }},
		{"pipe.png", "named pipe", func(r *rig) error { return unix.Mkfifo(r.path("pipe.png"), 0o600) }},
		{"zero.png", "a device", func(r *rig) error { return os.Symlink("/dev/zero", r.path("zero.png")) }},
		{"socket.png", "a socket", func(r *rig) error {
			l, err := net.Listen("unix", r.path("socket.png"))
			if err == nil {
				r.t.Cleanup(func() { l.Close() })
			}
			return err
		}},
		{"moved.png", "named pipe", func(r *rig) error {
			_ = unix.Mkfifo(r.path("moved"), 0o600)
			return os.Rename(r.path("moved"), r.path("moved.png"))
		}},
		{"brief.png", "vanished", func(r *rig) error {
			r.put("brief.png")
			return os.Remove(r.path("brief.png"))
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			r := watching(t, nil)
			r.ok(c.make(r))
			r.logged(c.file, c.why)
			r.put("after.png")
			r.want("after.png")
			r.nothing()
			r.sweepAll() // and it does not come up again
			r.nothing()
			if n := len(r.log.lines(t)); n != 2 {
				t.Errorf("logged %+v, want what was there at first and one line", r.log.lines(t))
			}
		})
	}
}

func TestLogFileThatNeverRests(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	for end := time.Now().Add(patience); r.lineOn("app.log", "of another type") == 0 && time.Now().Before(end); {
		r.write("app.log", time.Now().String()) // closed each time
		r.turnAlone()
	}
	if n := r.lineOn("app.log", "of another type"); n != 1 {
		t.Errorf("%d lines on it", n)
	}
}

// Careful writers give a file its name once it is complete.
func TestTemporaryNamesAreNotMentioned(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	for i, temporary := range []string{".a.png.x7", "a.part", "a_tmp.png"} {
		name := fmt.Sprintf("%d.png", i)
		r.write(temporary, contentOf(name))
		r.ok(os.Rename(r.path(temporary), r.path(name)))
		r.want(name)
	}
	r.nothing()
	if n := len(r.log.lines(t)); n != 1 {
		t.Errorf("logged %+v", r.log.lines(t))
	}
}

func TestRenamedImageIsNotJudgedAgain(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.put("a.png")
	r.want("a.png")
	r.ok(os.Rename(r.path("a.png"), r.path("b.png")))
	r.logged("b.png", "has not changed")
	r.nothing()
	r.ok(os.Rename(r.elsewhere("b.png"), r.path("b.png"))) // another one
	r.want("b.png")
}

func TestPermissionThatIsGivenLater(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 { // root may read everything, so this thread becomes somebody else to the file system
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil { //nolint:gosec // a test's own
			t.Fatal(err)
		}
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	r := watchingAt(t, dir, nil)
	r.ok(os.WriteFile(r.path("a.png"), []byte(contentOf("a.png")), 0o200))
	r.logged("a.png", "permission denied")
	r.ok(os.Chmod(r.path("a.png"), 0o600))
	r.want("a.png")
	r.nothing()
}

// A flood of files that are not judged does not flood the log.
func TestFloodOfOtherFiles(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	const files = 500
	for i := range files {
		r.write(fmt.Sprintf("%d.txt", i), "x")
	}
	for end := time.Now().Add(patience); r.memory.size() < files && time.Now().Before(end); {
		r.turnAlone()
	}
	r.put("a.png")
	r.want("a.png")
	r.Close()
	lines := r.log.lines(t)
	last := lines[len(lines)-1]
	if len(lines) != 1+reportLines+1 || last.Files != files-reportLines || last.Example == "" || last.Why == "" {
		t.Errorf("%d lines, the last one %+v", len(lines), last)
	}
}

func TestLogsAreBrokenUpByMinutes(t *testing.T) {
	t.Parallel()
	j := &journal{}
	r := newReport()
	r.to(zerolog.New(j))
	for range 2 {
		for i := range 2 * reportLines {
			r.say("no", fmt.Sprint(i), "so")
		}
		r.tick(time.Now().Add(2 * reportWindow))
		r.began = time.Time{}
	}
	if n := strings.Count(j.text.String(), "more files"); n != 2 {
		t.Errorf("%d sums in two minutes", n)
	}
}
