package watch

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// spareBuffer is how much memory stays with a watcher between two files.
const spareBuffer = 64 << 20

// Image is one file to be judged.
type Image struct {
	Name     string    // relative to the watched folder
	Data     []byte    // the whole file, valid until Next is called again
	Complete time.Time // when it was completed
	Err      error     // why there are no data; wraps fault.ErrImage
	Settled  bool      // it was left alone for a while, so it stays as it is

	mark     mark
	disposal *disposal
}

// Judged is to be called once the verdict is out.
func (i *Image) Judged() { i.disposal.dispose(i.Name, i.mark) }

// Later puts an image back that Next has just given and that turned out broken:
// its writer may be about to go on. It comes again once it was left alone. Later
// reports false for one that was left alone already.
func (w *Watcher) Later(i *Image) bool {
	if i.Settled || w.given != i {
		return false
	}
	w.given = nil
	w.arrivals.track(i.Name, i.mark)
	return true
}

// delivered notes that the image before has reached the station. Only then is it
// known to be judged: one that a hanging call held up comes again.
func (w *Watcher) delivered() {
	if w.given == nil {
		return
	}
	w.memory.put(w.given.Name, w.given.mark, judged)
	w.memory.about(w.root)
	w.given = nil
	if cap(w.buffer) > spareBuffer {
		w.buffer = nil
	}
}

// take returns the next complete image, or nil where what was next is none.
func (w *Watcher) take() (*Image, error) {
	if !w.listed {
		return nil, nil
	}
	e := w.arrivals.pop()
	if e == nil {
		return nil, nil
	}
	if err := w.disposal.allows(path.Dir(e.name)); err != nil {
		return nil, err
	}
	i := &Image{Name: e.name, Complete: e.at, Settled: e.settled, disposal: w.disposal}
	err := w.load(i)
	var no refusal
	switch {
	case errors.As(err, &no):
		w.refuse(e.name, w.look(e.name), no.why)
		return nil, nil
	case errors.Is(err, errChanging), errors.Is(err, fs.ErrNotExist): // and if it stays away it has vanished
		w.arrivals.track(e.name, w.look(e.name))
		return nil, nil
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM):
		return nil, err // nothing is wrong with the file
	case err != nil && !e.settled:
		w.arrivals.track(e.name, w.look(e.name))
		return nil, nil
	case err != nil:
		i.Err = err
	case w.memory.recall(e.name, i.mark) == judged:
		w.report.say("a file was closed or moved and is not judged again", e.name, "its content has not changed since it was judged")
		return nil, nil
	}
	return i, nil
}
