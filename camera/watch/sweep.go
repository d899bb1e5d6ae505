package watch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// sweepBatch is how many entries a turn takes: little enough for a slow share.
const sweepBatch = 256

// sweep is a listing of folders under way, for files of which the kernel told
// nothing: those that were there before, or came while too much happened, or
// from another machine.
type sweep struct {
	todo   []task
	now    task
	dir    *os.File // of now; nil: the next task is to be opened
	whole  bool     // everything is listed: what is not met is gone
	stock  bool     // it is the first one, and what is there is left alone
	flawed bool     // a folder could not be listed
	again  bool     // it became out of date
	began  time.Time
}

// task is a folder to list.
type task struct {
	name     string
	was      string // what it was called when its files were judged; "": the same
	stock    bool   // what is met counts as judged
	appeared bool   // the folder is new, so nothing in it is stock
}

// sweepAll lists everything, after the sweep that is under way.
func (w *Watcher) sweepAll() {
	if w.sweep != nil {
		w.sweep.again = true
		return
	}
	w.due = time.Time{}
	w.memory.begin()
	stock := w.settings.Then == Keep && w.memory.fresh(w.root)
	w.sweep = &sweep{todo: []task{{stock: stock}}, whole: true, stock: stock, began: time.Now()}
}

// list has a folder listed.
func (w *Watcher) list(t task) {
	if w.sweep == nil {
		w.sweep = &sweep{began: time.Now()}
	}
	w.sweep.todo = append(w.sweep.todo, t)
}

// step does one batch of a sweep, if there is one to do.
func (w *Watcher) step() error {
	s := w.sweep
	switch {
	case s == nil:
		w.sweepIfDue(time.Now())
		return nil
	case s.dir == nil && len(s.todo) == 0:
		return w.swept(s)
	case s.dir == nil:
		s.now, s.todo = s.todo[0], s.todo[1:]
		return w.opened(s)
	}
	entries, err := s.dir.ReadDir(sweepBatch)
	for _, e := range entries {
		if err := w.meet(s.now, e); err != nil {
			return err
		}
	}
	if err == nil {
		return nil
	}
	_ = s.dir.Close()
	s.dir = nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	return w.unlisted(s, err)
}

// sweepIfDue lists everything when it is time to poll, when files did not fit,
// and when there are so many facts that some may be about files that are gone.
func (w *Watcher) sweepIfDue(now time.Time) {
	polled := !w.due.IsZero() && now.After(w.due)
	missed := w.arrivals.missed && len(w.arrivals.entries) < w.limits.waiting/2
	if polled || missed || w.memory.size() >= w.limits.facts {
		if missed {
			w.report.info("more images came than may wait: the folder is listed again for the others", func(e *zerolog.Event) *zerolog.Event { return e.Int("waiting", w.limits.waiting) })
		}
		w.arrivals.missed = false
		w.sweepAll()
	}
}

// opened begins with a folder.
func (w *Watcher) opened(s *sweep) error {
	flags := os.O_RDONLY | unix.O_DIRECTORY
	if s.now.name != "" {
		flags |= unix.O_NOFOLLOW
	}
	dir, err := os.OpenFile(w.tree.at(s.now.name), flags, 0)
	if err != nil {
		return w.unlisted(s, err)
	}
	s.dir = dir
	return nil
}

// unlisted notes that a folder could not be listed. One in the folder may have
// gone, or not be for faird.
func (w *Watcher) unlisted(s *sweep, err error) error {
	s.flawed = true
	switch {
	case s.now.name == "":
		return fmt.Errorf("the folder cannot be listed: %w", err)
	case errors.Is(err, fs.ErrPermission):
		w.refuse(s.now.name, mark{}, denied)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP):
		return fmt.Errorf("a folder cannot be listed: %w", err)
	}
	return nil
}

// meet takes one entry of the folder being listed.
func (w *Watcher) meet(t task, e fs.DirEntry) error {
	name := path.Join(t.name, e.Name())
	was := ""
	if t.was != "" {
		was = path.Join(t.was, e.Name())
		w.memory.restore(name, w.memory.forget(was))
	}
	w.memory.met(name)
	if e.IsDir() {
		t.name, t.was = name, was
		return w.enter(t)
	}
	if w.arrivals.entries[name] == nil {
		w.found(t, name)
	}
	return nil
}

// found takes a file that a listing shows and no notice has told of.
func (w *Watcher) found(t task, name string) {
	m := mark{}
	if w.isImage(name) {
		m = w.look(name)
	}
	known := w.memory.recall(name, m)
	switch {
	case known == judged || known == refused || known == stock && !t.appeared:
	case t.stock && w.isImage(name):
		w.memory.put(name, m, stock)
	case t.stock:
		w.memory.put(name, m, refused)
	default:
		w.arrivals.track(name, m).old = w.isImage(name) && w.leftAlone(m)
	}
}

// leftAlone says whether a file has not been touched for long enough already, by
// a clock that is this machine's.
func (w *Watcher) leftAlone(m mark) bool {
	return w.poll == 0 && m != mark{} && time.Since(time.Unix(0, max(m.changed, m.written))) >= w.limits.settle
}

// swept ends a sweep.
func (w *Watcher) swept(s *sweep) error {
	w.sweep, w.listed = nil, true
	w.arrivals.completeOld()
	if s.whole && !s.flawed {
		w.memory.prune(w.root)
	}
	if s.stock {
		n := w.memory.stockTaken(w.root)
		w.report.info("watching; images that are there already are left alone", func(e *zerolog.Event) *zerolog.Event { return e.Int("images", n) })
	}
	if s.whole && w.memory.size() >= w.limits.facts {
		return fmt.Errorf("%s holds more than %d files: take old ones out", w.settings.Path, w.limits.facts)
	}
	if s.whole && w.poll > 0 {
		w.due = time.Now().Add(max(w.poll, 9*time.Since(s.began))) // at most a tenth of the time goes into it
	}
	if s.again {
		w.sweepAll()
	}
	return nil
}

// endSweep gives up what a sweep holds.
func (w *Watcher) endSweep() {
	if w.sweep != nil && w.sweep.dir != nil {
		_ = w.sweep.dir.Close()
	}
	w.sweep = nil
}
