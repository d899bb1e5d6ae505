package camera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"faird/camera/imagefile"
	"faird/config"
	"faird/verdict"
)

// What becomes of a picture in a watched folder once it is judged.
const (
	keep   = "keep"
	remove = "remove"
	move   = "move"
)

const (
	// watchSlice is how often a watched folder gives a sign of life.
	watchSlice = 500 * time.Millisecond
	// watchSettle is how long a picture found by looking, with no word from the
	// kernel that it was closed, must have been left alone.
	watchSettle = 2 * time.Second
)

// parseWatch understands watch:///folder?then=keep|remove|move&to=/other.
func parseWatch(u *url.URL, q *query) (plan, error) {
	path, err := localPath(u)
	if err != nil {
		return plan{}, err
	}
	d := &disposal{then: q.word("then", keep, keep, remove, move)}
	if d.to, _ = q.get("to"); (d.then == move) != (d.to != "") {
		return plan{}, errors.New("then=move and to=/folder go together: give both, or neither")
	}
	if d.to != "" && !filepath.IsAbs(d.to) {
		return plan{}, fmt.Errorf("query key to=%q: want an absolute path", d.to)
	}
	memory := newMemory() // outlives the sources: nothing is judged twice because a folder was away
	return plan{
		every:  true,
		mixed:  true,
		onCall: true,
		source: func(c config.Camera, _ uint64) source {
			return &watch{path: path, disposal: d, memory: memory, maxPixels: c.MaxPixels}
		},
	}, nil
}

// watch gives the pictures that other systems put into a folder: each once it is
// complete, once, in the order in which they were completed.
type watch struct {
	path      string
	disposal  *disposal
	memory    *memory
	maxPixels int
	notices   *inotify
	decoder   *imagefile.Decoder
	pending   []arrival
	look      time.Time // when to look through the folder again; zero: not at all
}

// arrival is a file that is waiting to be read.
type arrival struct {
	name string
	at   time.Time
}

func (s *watch) open(context.Context) error {
	info, err := os.Stat(s.path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: make the folder, or correct the path", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: name the folder that pictures are put into", s.path)
	}
	if err := s.disposal.check(s.path); err != nil {
		return err
	}
	if s.notices, err = newInotify(s.path); err != nil {
		return err
	}
	s.decoder = imagefile.NewDecoder(s.maxPixels)
	return s.begin()
}

// begin takes stock of what lies in the folder already. Where judged pictures
// stay nobody can tell them from new ones at the first start, so those are left
// alone.
func (s *watch) begin() error {
	if s.memory.fresh() && s.disposal.then == keep {
		files, err := s.list()
		for _, f := range files {
			s.memory.isNew(f.name, f.mark)
		}
		return err
	}
	return s.lookThrough()
}

func (s *watch) read(ctx context.Context, f *Frame) error {
	if err := s.disposal.failed(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if len(s.pending) > 0 {
			a := s.pending[0]
			s.pending = s.pending[1:]
			if s.take(a, f) {
				return nil
			}
			continue
		}
		if !s.look.IsZero() && time.Now().After(s.look) {
			if err := s.lookThrough(); err != nil {
				return err
			}
			continue
		}
		if err := s.wait(); err != nil {
			return err
		}
		if len(s.pending) == 0 {
			return errQuiet
		}
	}
	return ctx.Err()
}

// wait takes the kernel's notices, for a while at most.
func (s *watch) wait() error {
	notices, err := s.notices.next(watchSlice)
	if err != nil {
		return err
	}
	for _, n := range notices {
		switch {
		case n.gone:
			return fmt.Errorf("the folder %s is gone", s.path)
		case n.overflow:
			s.look = time.Now()
		case n.left:
			s.memory.forget(n.name)
		case imagefile.HasImageName(n.name):
			s.pending = append(s.pending, arrival{n.name, time.Now()})
		}
	}
	return nil
}

// lookThrough finds pictures that came while nobody watched, oldest first. One
// that was written to just now may still grow: it is looked at again later.
func (s *watch) lookThrough() error {
	s.look = time.Time{}
	files, err := s.list()
	if err != nil {
		return err
	}
	now := time.Now()
	for _, f := range files {
		if now.Sub(f.mark.changed) < watchSettle {
			s.lookIn(watchSettle)
			continue
		}
		s.pending = append(s.pending, arrival{f.name, now})
	}
	return nil
}

// lookIn has the folder looked through after a while, or sooner where that is
// planned.
func (s *watch) lookIn(d time.Duration) {
	if at := time.Now().Add(d); s.look.IsZero() || at.Before(s.look) {
		s.look = at
	}
}

// file is a picture found in the folder.
type file struct {
	name string
	mark fileMark
}

func (s *watch) list() ([]file, error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && imagefile.HasImageName(e.Name()) {
			files = append(files, file{e.Name(), markOf(info)})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return a.mark.changed.Compare(b.mark.changed) })
	return files, nil
}

// take reads one file, and says whether it is a picture not given before. An
// empty one is still to be written; one that is gone was renamed or taken back.
// One that is broken may be under way: some programs make a file, close it and
// open it again to write. It counts as broken when it was left alone.
func (s *watch) take(a arrival, f *Frame) bool {
	path := filepath.Join(s.path, a.name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	mark := markOf(info)
	if !s.memory.isNew(a.name, mark) {
		return false
	}
	f.Captured, f.Exposure, f.Source = a.at, verdict.Estimated, a.name
	if err := s.decoder.ReadFile(path, &f.mat); err != nil {
		if rest := time.Until(mark.changed.Add(watchSettle)); rest > 0 {
			s.memory.forget(a.name)
			s.lookIn(rest)
			return false
		}
		f.fail(err)
	}
	f.reply = func(v *verdict.Verdict) {
		if v != nil {
			s.disposal.dispose(path, mark)
		}
	}
	return true
}

func (s *watch) close() {
	if s.notices != nil {
		s.notices.close()
	}
	if s.decoder != nil {
		_ = s.decoder.Close()
	}
}
