package calibrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"faird/inspect"
	"faird/train/defect"
)

// Picture is a good picture, read when its turn comes.
type Picture struct {
	Name string
	Read func() ([]byte, error) // 8-bit BGR [h,w,3] at the model's size; broken ones wrap inspect.ErrPicture
}

// Pool is pictures already in memory at the model's size.
func Pool(names []string, pool defect.Pool) []Picture {
	pictures := make([]Picture, len(pool))
	for i, pixels := range pool {
		pictures[i] = Picture{Name: names[i], Read: func() ([]byte, error) { return pixels, nil }}
	}
	return pictures
}

// extensions of the files that count as pictures.
var extensions = []string{".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}

// Folder is the pictures of a folder and the folders in it, by name, for a
// model of w x h pixels. A whole data set is refused: its defects are no good
// pictures.
func Folder(dir string, w, h int) ([]Picture, error) {
	for _, part := range []string{"test", "ground_truth"} {
		if info, err := os.Stat(filepath.Join(dir, part)); err == nil && info.IsDir() {
			return nil, fmt.Errorf("good pictures in %s: it is a whole data set, with a folder %s: name its folder of good pictures, such as %s",
				dir, part, filepath.Join(dir, "train", "good"))
		}
	}
	var pictures []Picture
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			pictures = append(pictures, Picture{Name: path, Read: func() ([]byte, error) { return read(path, w, h) }})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("good pictures: %w", err)
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("good pictures: none in %s: png, jpg, bmp, tif and webp are read", dir)
	}
	return pictures, nil
}

func read(path string, w, h int) (_ []byte, err error) {
	picture, err := inspect.ReadPicture(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	pixels, err := inspect.AtSize(picture, w, h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pixels, nil
}
