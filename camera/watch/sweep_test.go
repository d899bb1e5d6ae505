package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// More files at once than the kernel keeps notices of (fs.inotify.max_queued_events,
// 16384 by default; each file has three).
func TestMoreFilesThanTheKernelKeepsNoticesOf(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	const files = 6000
	for i := range files {
		r.put(fmt.Sprintf("%d.png", i))
	}
	seen := map[string]bool{}
	for range files {
		g := r.next()
		if seen[g.name] || g.data != contentOf(g.name) {
			t.Fatalf("%s came twice, or with %q", g.name, g.data)
		}
		seen[g.name] = true
	}
	r.nothing()
}

func TestOverflowHasTheFolderListed(t *testing.T) {
	t.Parallel()
	r := watching(t, subfolders)
	r.put("1.png")
	r.want("1.png")
	r.deaf()
	r.put("2.png")
	r.mkdir("folder")
	r.put("folder/3.png")
	r.nothing()
	r.ok(r.hear(notice{folder: -1, mask: unix.IN_Q_OVERFLOW}))
	r.want("2.png", "folder/3.png")
	r.nothing()
}

func TestMoreFilesThanAreKeptWaiting(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) { f.limits.waiting = 10 })
	seen := map[string]bool{}
	for i := range 100 {
		r.put(fmt.Sprintf("%d.png", i))
	}
	for range 100 {
		g := r.next()
		if seen[g.name] {
			t.Errorf("%s came twice", g.name)
		}
		seen[g.name] = true
	}
	r.nothing()
	if !slices.ContainsFunc(r.log.lines(t), func(l line) bool { return strings.HasPrefix(l.Message, "more images came than may wait") }) {
		t.Error("it is not logged")
	}
}

// What another machine writes to a share is no notice; it grows under our eyes.
func TestPolling(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) {
		subfolders(f)
		f.settings.Poll = 50 * time.Millisecond
		unhurried(f)
	})
	r.mkdir("known")
	r.idle()
	r.deaf()
	file, err := os.Create(r.path("grows.png"))
	r.ok(err)
	done := make(chan error, 1)
	go func() {
		for _, c := range contentOf("grows.png") {
			time.Sleep(100 * time.Millisecond)
			if _, err := fmt.Fprintf(file, "%c", c); err != nil {
				done <- err
				return
			}
		}
		done <- file.Close()
	}()
	r.want("grows.png")
	r.ok(<-done)
	r.hurry()
	r.write("grows.png", "replaced")
	if g := r.next(); g.name != "grows.png" || g.data != "replaced" {
		t.Errorf("%+v", g)
	}
	r.mkdir("later")
	r.put("later/a.png")
	r.want("later/a.png")
	r.ok(os.Remove(r.path("grows.png")))
	for end := time.Now().Add(patience); r.memory.size() > 1; {
		if r.turnAlone(); time.Now().After(end) {
			t.Fatalf("%d files are remembered, want one", r.memory.size())
		}
	}
}

// Listing takes a tenth of the time at most.
func TestSlowFoldersArePolledLessOften(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	r.poll = networkPoll
	r.sweepAll()
	r.sweep.began = time.Now().Add(-time.Minute)
	r.idle()
	if wait := time.Until(r.due); wait < 8*time.Minute {
		t.Errorf("a listing that takes a minute comes again in %v", wait)
	}
}

// The times of files on a share are by the clock of another machine.
func TestOldFilesAreCompleteByOurClockOnly(t *testing.T) {
	t.Parallel()
	r := watching(t, nil)
	old := time.Now().Add(-time.Hour).UnixNano()
	m := mark{size: 1, written: old, changed: old}
	if !r.leftAlone(m) || r.leftAlone(mark{size: 1, written: old, changed: time.Now().UnixNano()}) {
		t.Error("on a local file system")
	}
	if r.poll = networkPoll; r.leftAlone(m) {
		t.Error("on a network file system")
	}
}

func TestNetworkFileSystemsArePolled(t *testing.T) {
	var s unix.Statfs_t
	if err := unix.Statfs(t.TempDir(), &s); err != nil {
		t.Fatal(err)
	}
	here := int64(s.Type) & 0xffffffff //nolint:unconvert // 32 bits on some machines
	if _, ok := remote[here]; ok {
		t.Skip("the temporary folder is on a network file system itself")
	}
	if r := watching(t, func(f *Folder) { f.settings.Poll = Auto }); r.poll != 0 {
		t.Errorf("a local file system is polled every %v", r.poll)
	}
	remote[here] = "nfs"
	defer delete(remote, here)
	r := watching(t, func(f *Folder) { f.settings.Poll = Auto })
	if l := r.log.lines(t); r.poll != networkPoll || len(l) == 0 || l[0].Type != "nfs" {
		t.Errorf("polled every %v, logged %+v", r.poll, l)
	}
	if r := watching(t, func(f *Folder) { f.settings.Poll = 0 }); r.poll != 0 {
		t.Errorf("polled every %v against its settings", r.poll)
	}
}

func TestFolderThatGoesAndReturns(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir, away := filepath.Join(parent, "in"), filepath.Join(parent, "away")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := watchingAt(t, dir, nil)
	lost := func(why string) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if i, err := r.Next(t.Context()); err != nil && strings.Contains(err.Error(), why) {
				r.Close()
				return
			} else if i != nil {
				t.Fatalf("%+v", i)
			}
		}
		t.Fatal("the loss went unnoticed")
	}
	r.put("1.png")
	r.want("1.png")
	r.ok(os.Rename(dir, away))
	lost("gone")
	r.ok(os.Mkdir(dir, 0o700)) // what a share leaves behind that is not mounted
	r.reopen(r.Folder)
	r.nothing()
	r.ok(os.Remove(dir))
	lost("gone")
	r.ok(os.WriteFile(filepath.Join(away, "2.png"), []byte(contentOf("2.png")), 0o600))
	r.ok(os.Rename(away, dir))
	r.reopen(r.Folder)
	r.want("2.png") // and not the first one
	r.nothing()
	r.ok(os.RemoveAll(dir))
	lost("gone")
	r.ok(os.Mkdir(dir, 0o700)) // made anew, and used at once
	r.put("1.png", "3.png")
	r.reopen(r.Folder)
	r.want("1.png", "3.png")
}

// A share that is mounted over the folder, or a parent that is renamed, is no
// notice.
func TestAnotherFolderTakesThePlace(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	r := &rig{t: t}
	for _, dir := range []string{"a", "b"} {
		r.ok(os.MkdirAll(filepath.Join(parent, dir, "in"), 0o700))
	}
	r = watchingAt(t, filepath.Join(parent, "a", "in"), nil)
	r.ok(os.Rename(filepath.Join(parent, "a"), filepath.Join(parent, "c")))
	r.ok(os.Rename(filepath.Join(parent, "b"), filepath.Join(parent, "a")))
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := r.Next(t.Context()); err != nil {
			if !strings.Contains(err.Error(), "another folder") {
				t.Error(err)
			}
			return
		}
	}
	t.Error("it watches a folder that is no longer there")
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	r := watching(t, func(f *Folder) { f.limits.facts = 20 })
	for i := range 20 {
		r.put(fmt.Sprintf("%d.png", i))
		r.next()
	}
	var err error
	for end := time.Now().Add(patience); err == nil && time.Now().Before(end); {
		_, err = r.Next(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "more than 20 files") {
		t.Fatalf("%v", err)
	}
	r.Close()
	for i := range 10 {
		r.ok(os.Remove(r.path(fmt.Sprintf("%d.png", i)))) // while nobody watches
	}
	r.reopen(r.Folder)
	r.nothing()
	if n := r.memory.size(); n != 10 {
		t.Errorf("%d files are remembered, want the 10 that are there", n)
	}
	r.put("0.png")
	r.want("0.png")
}

func TestMemoryOfMountedFolders(t *testing.T) {
	t.Parallel()
	mountPoint, share := identity{1, 1}, identity{2, 1}
	m := newMemory()
	if !m.fresh(mountPoint) {
		t.Error("knows a folder that was never listed")
	}
	m.begin()
	m.stockTaken(mountPoint)
	if !m.fresh(share) {
		t.Error("what lies on a share that is mounted late counts as new")
	}
	m.begin()
	m.put("old.png", mark{size: 1}, stock)
	m.stockTaken(share)
	m.put("a.png", mark{size: 2}, judged)
	m.about(share)
	if m.fresh(mountPoint) {
		t.Error("forgets a share that is away for a while")
	}
	m.begin()
	m.prune(mountPoint)
	if m.recall("a.png", mark{size: 2}) != judged || m.recall("old.png", mark{size: 1}) != stock {
		t.Error("forgot the files of a share that is away")
	}
	m.begin()
	m.met("a.png")
	m.prune(share)
	if m.recall("a.png", mark{size: 2}) != judged || m.recall("old.png", mark{size: 1}) != unknown {
		t.Error("keeps files that are gone")
	}
}

func BenchmarkMemory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m := newMemory()
		for i := range 1_000_000 {
			m.put(fmt.Sprintf("2026/11/30/part_%08d.png", i), mark{size: int64(i)}, judged)
		}
	}
}
