// Package shelf is the folder of models that a box may be told to use, each by
// the name of its file. A name never leads out of the folder. It runs no model
// and changes none.
package shelf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/pipeline/vetting"
)

// Folder is where the models are, below store.path.
const Folder = "models"

const suffix = ".onnx"

// ErrUnknown is wrapped where there is no model of a name.
var ErrUnknown = errors.New("no such model")

// name is a file's without its suffix: no separator, no leading dot.
var name = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// Entry is a model on the shelf.
type Entry struct {
	Name      string
	Hash      string // "" where it cannot be read
	Bytes     int64
	Modified  time.Time
	Threshold *float64 // of its calibration; nil where it has none
	Err       string   // why it cannot be used
}

// Shelf is the folder. It may be used from any goroutine.
type Shelf struct {
	dir string

	mu   sync.Mutex
	read map[string]Entry // by name, as last read
}

// New is the shelf below a folder, which need not be there.
func New(folder string) *Shelf {
	return &Shelf{dir: filepath.Join(folder, Folder), read: map[string]Entry{}}
}

// List gives every model, the newest first.
func (s *Shelf) List() ([]Entry, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("models: %w", err)
	}
	var out []Entry
	for _, f := range files {
		base, is := strings.CutSuffix(f.Name(), suffix)
		if !is || !name.MatchString(base) {
			continue
		}
		if e, ok := s.entry(base); ok {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.Name, b.Name)) })
	return out, nil
}

// entry reads a model, once as long as its file stays as it is.
func (s *Shelf) entry(base string) (Entry, bool) {
	info, err := os.Stat(s.path(base))
	if err != nil || !info.Mode().IsRegular() {
		return Entry{}, false
	}
	if e, known := s.known(base); known && e.Bytes == info.Size() && e.Modified.Equal(info.ModTime()) {
		return e, true
	}
	e := Entry{Name: base, Bytes: info.Size(), Modified: info.ModTime()}
	if f, err := vetting.New(nil, zerolog.Nop()).Read(context.Background(), s.path(base)); err != nil {
		e.Err = err.Error()
	} else {
		e.Hash = f.Hash
		if f.Calibration != nil {
			e.Threshold = &f.Calibration.Threshold
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[base] = e
	return e, true
}

func (s *Shelf) known(base string) (e Entry, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known = s.read[base]
	return e, known
}

func (s *Shelf) path(base string) string { return filepath.Join(s.dir, base+suffix) }

// Find gives the file of the model with this name.
func (s *Shelf) Find(base string) (path string, _ error) {
	if !name.MatchString(base) {
		return "", fmt.Errorf("%w: %q is not the name of a file", ErrUnknown, base)
	}
	info, err := os.Stat(s.path(base))
	if err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w: there is no %s%s in the folder %s of store.path", ErrUnknown, base, suffix, Folder)
	}
	return s.path(base), nil
}
