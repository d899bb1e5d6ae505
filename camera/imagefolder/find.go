// Package imagefolder decides which entries of a folder are images of parts. It
// is the one rule for training, calibration, evaluation and the cameras that
// read files. It looks at names and kinds of files, and opens none.
package imagefolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Bounds of a listing.
const (
	MaxDepth   = 16        // folders within folders
	maxFolders = 10_000    // in all
	maxEntries = 1_000_000 // files and folders
)

// The reasons that more than the name gives.
var (
	brokenLink = Reason{"a symbolic link that leads nowhere", "symbolic links that lead nowhere"}
	listed     = Reason{"a link to a folder that is listed already", "links to folders that are listed already"}
	tooDeep    = Reason{fmt.Sprintf("a folder more than %d folders down", MaxDepth), fmt.Sprintf("folders more than %d folders down", MaxDepth)}
)

// Listing is what a folder holds. A broken link or a pipe with the name of an
// image is among the files: reading it fails, so that it is not overlooked.
type Listing struct {
	Files   []string // paths of the images, sorted; each begins with the folder's path
	Skipped Skipped
}

// List lists the images right in a folder. Links to files count, the folders in
// it are of no interest.
func List(dir string) (*Listing, error) { return list(dir, false) }

// Find lists the images of a folder and of the folders in it. Symbolic links to
// files and to folders are followed; a folder that can be reached in several ways
// is listed once. A folder that cannot be read is an error, as is one with more
// than 10,000 folders or a million entries.
func Find(dir string) (*Listing, error) { return list(dir, true) }

// Glob lists the images among the files that a pattern of [filepath.Match] names.
func Glob(pattern string) (*Listing, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	s := &search{root: filepath.Dir(pattern)}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			continue // gone since
		}
		if err := s.meet(folder{path: filepath.Dir(path)}, fs.FileInfoToDirEntry(info)); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.listing.Files)
	return &s.listing, nil
}

func list(dir string, inner bool) (*Listing, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", dir)
	}
	s := &search{root: dir, inner: inner, met: map[identity]bool{identify(info): true}, todo: []folder{{path: dir}}}
	for len(s.todo)+len(s.linked) > 0 {
		if err := s.next(); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.listing.Files)
	return &s.listing, nil
}

// identity is that of a file or folder, whatever the path to it.
type identity struct{ device, inode uint64 }

func identify(info os.FileInfo) identity {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{uint64(s.Dev), s.Ino} //nolint:unconvert // 32 bits on some machines
}

// folder is one that is to be listed.
type folder struct {
	path  string
	depth int
}

// search is a listing under way.
type search struct {
	root    string
	inner   bool // the folders in it too
	met     map[identity]bool
	todo    []folder
	linked  []folder // links to folders: after all others, so that a folder is listed by its own path if it has one
	entries int
	listing Listing
}

func (s *search) next() error {
	if len(s.todo) == 0 {
		link := s.linked[0]
		s.linked = s.linked[1:]
		return s.enter(link)
	}
	f := s.todo[len(s.todo)-1]
	s.todo = s.todo[:len(s.todo)-1]
	entries, err := os.ReadDir(f.path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: give faird's user the right to read it, or move it away", err)
	}
	if err != nil {
		return err
	}
	if s.entries += len(entries); s.entries > maxEntries {
		return fmt.Errorf("%s holds more than %d files: name a folder further down", s.root, maxEntries)
	}
	for _, e := range entries {
		if err := s.meet(f, e); err != nil {
			return err
		}
	}
	return nil
}

// meet takes one entry of a folder.
func (s *search) meet(in folder, e fs.DirEntry) error {
	path, mode := filepath.Join(in.path, e.Name()), e.Type()
	link := mode&fs.ModeSymlink != 0
	if link {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			mode = info.Mode().Type()
		case !IsImage(path):
			s.skip(brokenLink, path)
			return nil
		}
	}
	at := folder{path, in.depth + 1}
	switch {
	case mode.IsDir() && !s.inner:
	case mode.IsDir() && Folder(path) != Reason{}:
		s.skip(Folder(path), path)
	case mode.IsDir() && link:
		s.linked = append(s.linked, at)
	case mode.IsDir():
		return s.enter(at)
	case Name(path) != Reason{}:
		s.skip(Name(path), path)
	default:
		s.listing.Files = append(s.listing.Files, path)
	}
	return nil
}

// enter has a folder listed, unless it is already.
func (s *search) enter(f folder) error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	id := identify(info)
	switch {
	case s.met[id]:
		s.skip(listed, f.path)
	case f.depth > MaxDepth:
		s.skip(tooDeep, f.path)
	case len(s.met) >= maxFolders:
		return fmt.Errorf("%s has more than %d folders in it: name a folder further down", s.root, maxFolders)
	default:
		s.met[id] = true
		s.todo = append(s.todo, f)
	}
	return nil
}

func (s *search) skip(r Reason, path string) {
	if name, err := filepath.Rel(s.root, path); err == nil {
		path = name
	}
	s.listing.Skipped.add(r, path)
}
