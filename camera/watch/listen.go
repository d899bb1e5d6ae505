package watch

import (
	"fmt"
	"os"
	"path"
	"time"

	"faird/camera/imagefolder"

	"golang.org/x/sys/unix"
)

// departure is the first half of a renaming: what left, in case it arrives
// under another name.
type departure struct {
	cookie uint32
	name   string
	fact   fact
}

// listen takes the kernel's notices, waiting for a while at most.
func (w *Watcher) listen(wait time.Duration) error {
	notices, err := w.tree.notices.next(wait)
	if err != nil {
		return err
	}
	for _, n := range notices {
		if err := w.hear(n); err != nil {
			return err
		}
	}
	return nil
}

// hear takes one notice.
func (w *Watcher) hear(n notice) error {
	if n.is(unix.IN_Q_OVERFLOW) {
		w.arrivals.restart(time.Now())
		w.sweepAll()
		return nil
	}
	folder, known := w.tree.names[n.folder]
	switch {
	case !known: // dropped a moment ago
		return nil
	case n.is(gone) && n.folder == w.tree.root:
		return fmt.Errorf("the folder %s is gone", w.settings.Path)
	case n.is(gone):
		w.tree.forget(n.folder)
		return nil
	case n.name == "": // about the folder itself
		return nil
	case n.is(unix.IN_ISDIR):
		return w.hearFolder(n, path.Join(folder, n.name))
	}
	w.hearFile(n, path.Join(folder, n.name))
	return nil
}

// hearFolder takes a notice about a folder in a watched one.
func (w *Watcher) hearFolder(n notice, name string) error {
	switch {
	case n.is(unix.IN_MOVED_FROM | unix.IN_DELETE):
		w.moved = departure{cookie: n.cookie, name: name, fact: w.memory.forget(name)}
		w.tree.drop(name)
	case n.is(unix.IN_MOVED_TO) && n.cookie == w.moved.cookie:
		w.arrivals.drop(w.moved.name) // they are met under their new names
		return w.enter(task{name: name, was: w.moved.name})
	case n.is(unix.IN_CREATE | unix.IN_MOVED_TO):
		return w.enter(task{name: name, appeared: true})
	case n.is(unix.IN_ATTRIB) && w.memory.state(name) == refused && w.closed(name) == "":
		w.memory.forget(name) // it may be readable now
		return w.enter(task{name: name, appeared: true})
	}
	return nil
}

// hearFile takes a notice about a file in a watched folder.
func (w *Watcher) hearFile(n notice, name string) {
	e := w.arrivals.entries[name]
	switch {
	case n.is(unix.IN_MOVED_FROM | unix.IN_DELETE):
		w.left(n, name, e)
	case n.is(unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE):
		w.arrived(n, name, e)
	case n.is(unix.IN_CREATE):
		w.track(name)
	case n.is(unix.IN_OPEN) && e != nil && e.ticket == 0:
		e.opens++
	case n.is(unix.IN_CLOSE_NOWRITE) && e != nil:
		e.opens = max(0, e.opens-1)
	case n.is(unix.IN_ATTRIB) && w.isImage(name) && w.memory.state(name) == refused:
		w.track(name) // it may be readable now
	}
}

// left notes that a file was removed or renamed. One that was still to be judged
// counts as lost unless it is back, or arrives under another name, before long.
func (w *Watcher) left(n notice, name string, e *entry) {
	w.moved = departure{cookie: n.cookie, name: name, fact: w.memory.forget(name)}
	switch {
	case e == nil:
	case w.isImage(name):
		w.arrivals.track(name, mark{})
	default:
		delete(w.arrivals.entries, name)
	}
}

// arrived notes that a file was closed after writing, or moved here.
func (w *Watcher) arrived(n notice, name string, e *entry) {
	if n.is(unix.IN_MOVED_TO) && n.cookie == w.moved.cookie {
		delete(w.arrivals.entries, w.moved.name)
		w.memory.restore(name, w.moved.fact)
	}
	switch {
	case w.isImage(name):
	case e != nil: // a log file, say, that is closed and opened again for every line
		e.opens = max(0, e.opens-1)
		return
	default:
		w.track(name)
		return
	}
	now := w.look(name)
	if e != nil && e.ticket != 0 && e.mark.size > 0 && e.mark.content() != now.content() {
		w.report.say("an image was replaced before it was judged", name, "only its latest content is judged: give every image a name of its own")
	}
	w.arrivals.complete(w.arrivals.track(name, now), false)
}

// track begins to wait until a file is left alone. What was refused for its name
// is not looked at again.
func (w *Watcher) track(name string) {
	if !w.isImage(name) && w.memory.recall(name, mark{}) == refused {
		return
	}
	w.arrivals.track(name, w.look(name))
}

// look returns the mark of the file that a name leads to, else of what is there,
// or none.
func (w *Watcher) look(name string) mark {
	info, err := os.Stat(w.tree.at(name))
	if err != nil || !info.Mode().IsRegular() {
		info, err = os.Lstat(w.tree.at(name))
	}
	if err != nil {
		return mark{}
	}
	return markOf(info)
}

// isImage says whether a file is one to be judged, by its name.
func (w *Watcher) isImage(name string) bool { return imagefolder.IsImage(name) }
