package eval

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"faird/camera/imagefolder"
)

// Item is one picture with what is known of it.
type Item struct {
	Path      string // of the file
	Name      string // below the data set's folder, with slashes
	Kind      string // "good", or the kind of defect
	Defective bool
	Mask      string // file of the true region, non-zero in the defect; "" is none
}

// Set is a labelled folder.
type Set struct {
	Dir   string
	Shape string // one of the shapes' names
	Items []Item // by name

	Skipped imagefolder.Skipped // files that are not images of parts
}

// Names of the shapes of folders.
const (
	ShapeMVTec = "MVTec AD" // test/<kind>/*, ground_truth/<kind>/<name>_mask.png
	ShapeVisA  = "VisA"     // Data/Images/{Normal,Anomaly}, Data/Masks/Anomaly
	ShapePlain = "folders"  // good/ and one folder for each kind of defect
)

// Find reads which pictures a folder holds, in whichever of the known shapes.
// It opens none of them.
func Find(dir string) (*Set, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("data set %s: no such folder: name a folder of labelled pictures", dir)
	}
	s, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", dir, err)
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("data set %s: %w", dir, nothingIn(dir))
	}
	slices.SortFunc(s.Items, func(a, b Item) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

func read(dir string) (*Set, error) {
	s := &Set{Dir: dir}
	for _, data := range []string{filepath.Join(dir, "Data"), dir} {
		if isDir(data, "Images", "Normal") || isDir(data, "Images", "Anomaly") {
			s.Shape = ShapeVisA
			return s, s.visa(data)
		}
	}
	if isDir(dir, "test") {
		s.Shape = ShapeMVTec
		return s, s.kinds(filepath.Join(dir, "test"), filepath.Join(dir, "ground_truth"))
	}
	s.Shape = ShapePlain
	if !isDir(dir, goodKind) && !isDir(dir, "defect") {
		return s, nil // unlabelled: the folders' names mean nothing
	}
	return s, s.kinds(dir, filepath.Join(dir, "ground_truth"))
}

// goodKind is the folder of good pictures.
const goodKind = "good"

// aside are folders that hold no test pictures.
var aside = []string{"ground_truth", "train"}

// kinds takes each folder of root as a kind.
func (s *Set) kinds(root, truth string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isDir(root, e.Name()) || slices.Contains(aside, e.Name()) || imagefolder.Folder(e.Name()) != (imagefolder.Reason{}) {
			continue
		}
		if err := s.folder(filepath.Join(root, e.Name()), e.Name(), filepath.Join(truth, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) visa(data string) error {
	for folder, kind := range map[string]string{"Normal": goodKind, "Anomaly": "anomaly"} {
		images := filepath.Join(data, "Images", folder)
		if !isDir(images) {
			continue
		}
		if err := s.folder(images, kind, filepath.Join(data, "Masks", folder)); err != nil {
			return err
		}
	}
	return nil
}

// folder adds the pictures of one kind, whose masks are in truth if anywhere.
func (s *Set) folder(dir, kind, truth string) error {
	masks, err := stems(truth)
	if err != nil {
		return err
	}
	found, err := imagefolder.Find(dir)
	if err != nil {
		return err
	}
	s.Skipped.Add(&found.Skipped)
	for _, path := range found.Files {
		name, err := filepath.Rel(s.Dir, path)
		if err != nil {
			return err
		}
		item := Item{Path: path, Name: filepath.ToSlash(name), Kind: kind, Defective: kind != goodKind}
		if item.Defective {
			item.Mask = cmp.Or(masks[stem(path)+"_mask"], masks[stem(path)])
		}
		s.Items = append(s.Items, item)
	}
	return nil
}

// stems are the pictures of a folder by their name without extension; none
// where there is no such folder.
func stems(dir string) (map[string]string, error) {
	found, err := imagefolder.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, len(found.Files))
	for _, path := range found.Files {
		m[stem(path)] = path
	}
	return m, nil
}

// nothingIn says why a folder gave no picture, and what would.
func nothingIn(dir string) error {
	entries, _ := os.ReadDir(dir) // it was read before
	for _, e := range entries {
		if isDir(dir, e.Name(), "test") || isDir(dir, e.Name(), "Data", "Images") {
			return fmt.Errorf("it holds several data sets: name one of them, such as %s", filepath.Join(dir, e.Name()))
		}
	}
	if isDir(dir, "train") {
		return errors.New("it has pictures to train on, but no folder test: add test/good and test/<kind of defect>")
	}
	return errors.New("no labelled pictures in it: needs a folder good and one for each kind of defect, or the shape of MVTec AD or VisA")
}

func isDir(parts ...string) bool {
	info, err := os.Stat(filepath.Join(parts...))
	return err == nil && info.IsDir()
}

func stem(name string) string { return strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)) }
