// Package watch finds the images that other systems put into a folder: each one
// once it is complete, once, in the order in which they were completed. Any other
// file that appears is named in the log with the reason why it is never judged.
// The package reads files and decodes nothing.
package watch

import (
	"context"
	"fmt"
	"os"
	"time"

	"faird/camera/imagefolder"

	"github.com/rs/zerolog"
)

// What becomes of an image once it is judged.
const (
	Keep   = "keep"
	Remove = "remove"
	Move   = "move"
)

// Auto polls network file systems every [networkPoll] and local ones never.
const Auto time.Duration = -1

// networkPoll is how often a network file system is polled unless the settings
// say otherwise: inotify reports nothing that another machine writes there.
const networkPoll = 5 * time.Second

// Settings say which folder is watched and what becomes of judged images.
type Settings struct {
	Path       string
	Subfolders bool          // watch the folders in it as well, however deep
	Poll       time.Duration // how often to list the folder besides; 0 is never
	Then       string        // Keep, Remove or Move
	To         string        // where Move puts images
}

// limits bound time and memory. Tests lower them.
type limits struct {
	slice   time.Duration // how often a watcher gives a sign of life
	settle  time.Duration // how long a file that nobody reported complete must stay unchanged
	stall   time.Duration // the same for one that a program still holds open
	waiting int           // files that wait to be complete or to be read
	folders int
	depth   int // of folders in folders
	facts   int // files remembered
}

var defaults = limits{
	slice:   500 * time.Millisecond,
	settle:  2 * time.Second,
	stall:   time.Minute,
	waiting: 100_000,
	folders: 10_000,
	depth:   imagefolder.MaxDepth,
	facts:   1_000_000,
}

// Folder is a watched folder with what is known of its files. It outlives its
// watchers, so that nothing is judged twice because the folder was away.
type Folder struct {
	settings Settings
	limits   limits
	memory   *memory
	disposal *disposal
	report   *report
}

// New returns a folder that is not watched yet.
func New(s Settings) *Folder {
	r := newReport()
	return &Folder{
		settings: s,
		limits:   defaults,
		memory:   newMemory(),
		disposal: &disposal{then: s.Then, from: s.Path, to: s.To, whole: s.Subfolders, report: r},
		report:   r,
	}
}

// Watcher watches a folder until it is lost. It is for one goroutine.
type Watcher struct {
	*Folder
	maxBytes int64 // of one file
	root     identity
	tree     *tree
	arrivals *arrivals
	sweep    *sweep // nil: none is under way
	listed   bool   // once: until then images that came before may be among those that wait
	poll     time.Duration
	due      time.Time // of the next sweep; zero: none
	looked   time.Time // when it was last checked that the folder is still there
	settled  time.Time // when it was last looked for files that were left alone
	moved    departure
	given    *Image // by Next, not yet known to have been delivered
	buffer   []byte
}

// Open starts watching. A file of more than maxBytes is not read. The caller
// closes the watcher.
func (f *Folder) Open(log zerolog.Logger, maxBytes int64) (*Watcher, error) {
	f.report.to(log)
	info, err := os.Stat(f.settings.Path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: make the folder, or correct the path", err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder: name the folder that images are put into", f.settings.Path)
	}
	if err := f.disposal.open(); err != nil {
		return nil, err
	}
	tree, err := newTree(f.settings.Path, f.limits.folders)
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		Folder: f, maxBytes: maxBytes, root: identityOf(info), tree: tree, poll: max(0, f.settings.Poll),
		arrivals: newArrivals(f.limits), looked: time.Now(),
	}
	w.pollIfRemote("")
	w.sweepAll()
	return w, nil
}

// Close ends the watching. An image that Next gave last counts as not delivered
// unless Next was called again.
func (w *Watcher) Close() {
	w.tree.close()
	w.endSweep()
	w.report.flush()
}

// Next returns the next image, or nil when none was completed within a while.
// The image's data stay valid until Next is called again. An error means that
// the folder is lost.
func (w *Watcher) Next(ctx context.Context) (*Image, error) {
	w.delivered()
	if err := w.disposal.failed(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(w.limits.slice); ctx.Err() == nil; {
		if err := w.turn(); err != nil {
			return nil, err
		}
		if image, err := w.take(); image != nil || err != nil {
			w.given = image
			return image, err
		}
		if time.Now().After(end) {
			return nil, nil
		}
	}
	return nil, ctx.Err()
}

// turn does a little of everything that is due.
func (w *Watcher) turn() error {
	if err := w.listen(w.patience()); err != nil {
		return err
	}
	if err := w.present(); err != nil {
		return err
	}
	if err := w.step(); err != nil {
		return err
	}
	w.settle(time.Now())
	w.report.tick(time.Now())
	return nil
}

// patience is how long a turn may wait for the kernel.
func (w *Watcher) patience() time.Duration {
	switch {
	case w.sweep != nil || w.arrivals.ready() && w.listed:
		return 0
	case len(w.arrivals.entries) > 0:
		return w.limits.settle / 8
	}
	return w.limits.slice
}

// present makes sure that the path still leads to the folder being watched: a
// share that is mounted over it or a renamed parent is no event.
func (w *Watcher) present() error {
	if time.Since(w.looked) < w.limits.slice {
		return nil
	}
	w.looked = time.Now()
	info, err := os.Stat(w.settings.Path)
	switch {
	case err != nil:
		return fmt.Errorf("the folder is gone: %w", err)
	case identityOf(info) != w.root:
		return fmt.Errorf("another folder has taken the place of %s", w.settings.Path)
	}
	return nil
}
