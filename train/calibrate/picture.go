package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"faird/camera/imagefile"
	"faird/inspect"
	"faird/train/defect"
)

// Picture is a good picture, read when its turn comes.
type Picture struct {
	Name   string
	Read   func() ([]byte, error) // 8-bit BGR [h,w,3] at the model's size; broken ones wrap inspect.ErrPicture
	Aspect func() float64         // width over height before it was resized, known once it was read; nil: not known
}

// Pool is pictures already in memory at the model's size.
func Pool(names []string, pool defect.Pool) []Picture {
	pictures := make([]Picture, len(pool))
	for i, pixels := range pool {
		pictures[i] = Picture{Name: names[i], Read: func() ([]byte, error) { return pixels, nil }}
	}
	return pictures
}

// Folder is the pictures of a folder and the folders in it, by name, for a
// model of w x h pixels. One of more than maxPixels pixels (0: the default) counts
// as broken. A whole data set is refused: its defects are no good pictures.
func Folder(dir string, w, h, maxPixels int) ([]Picture, error) {
	for _, part := range []string{"test", "ground_truth"} {
		if info, err := os.Stat(filepath.Join(dir, part)); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a whole data set, with a folder %s: name its folder of good pictures, such as %s",
				dir, part, filepath.Join(dir, "train", "good"))
		}
	}
	var pictures []Picture
	inside := dir + string(filepath.Separator) // of what dir points to, should it be a link
	err := filepath.WalkDir(inside, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && imagefile.HasImageName(path) {
			pictures = append(pictures, file(path, w, h, maxPixels))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("no pictures in %s: files named %s are read", dir, strings.Join(imagefile.Extensions, ", "))
	}
	slices.SortFunc(pictures, func(a, b Picture) int { return cmp.Compare(a.Name, b.Name) })
	return pictures, nil
}

func file(path string, w, h, maxPixels int) Picture {
	aspect := 0.0
	return Picture{
		Name: path,
		Read: func() (pixels []byte, err error) {
			pixels, aspect, err = read(path, w, h, maxPixels)
			return pixels, err
		},
		Aspect: func() float64 { return aspect },
	}
}

func read(path string, w, h, maxPixels int) (_ []byte, aspect float64, err error) {
	picture, err := inspect.ReadPicture(path, maxPixels)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	pixels, err := inspect.AtSize(picture, w, h)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	return pixels, float64(picture.Cols()) / float64(picture.Rows()), nil
}

// tolerated is the share of pictures that may be broken before the folder is.
const tolerated = 0.05

// TooBroken is an error where more than 5% of the pictures of a folder are
// broken, else nil.
func TooBroken(broken []error, total int) error {
	if float64(len(broken)) <= tolerated*float64(total) {
		return nil
	}
	return fmt.Errorf("%d of %d pictures cannot be read, more than %s; the first: %w",
		len(broken), total, percent(tolerated), broken[0])
}
