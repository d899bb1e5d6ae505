package calibrate

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"faird/camera/imagefolder"
	"faird/inspect"
	"faird/train/defect"
)

// Picture is a good picture, read when its turn comes.
type Picture struct {
	Name string
	Read func() ([]byte, error) // 8-bit BGR [h,w,3] at the model's size; broken ones wrap inspect.ErrPicture
	Size func() image.Point     // in pixels before it was resized, known once it was read; nil: not known
	Part int                    // equal for pictures of one part, from 1; 0: not known
}

// Pool is pictures already in memory at the model's size.
func Pool(names []string, pool defect.Pool) []Picture {
	pictures := make([]Picture, len(pool))
	for i, pixels := range pool {
		pictures[i] = Picture{Name: names[i], Read: func() ([]byte, error) { return pixels, nil }}
	}
	return pictures
}

// size is that of the image before it was resized, zero where it is not known.
func (p *Picture) size() image.Point {
	if p.Size == nil {
		return image.Point{}
	}
	return p.Size()
}

// aspect is width over height before it was resized, 0 where that is not known.
func (p *Picture) aspect() float64 {
	if size := p.size(); size.Y > 0 {
		return float64(size.X) / float64(size.Y)
	}
	return 0
}

// Folder is the images of a folder, as [imagefolder.Find] finds them, for a model
// of w x h pixels, and what was left out. An image of more than maxPixels pixels
// (0: the default) counts as broken. A whole data set is refused: its defects are
// not good.
func Folder(dir string, w, h, maxPixels int) ([]Picture, *imagefolder.Skipped, error) {
	for _, part := range []string{"test", "ground_truth"} {
		if info, err := os.Stat(filepath.Join(dir, part)); err == nil && info.IsDir() {
			return nil, nil, fmt.Errorf("%s is a whole data set, with a folder %s: name its folder of good pictures, such as %s",
				dir, part, filepath.Join(dir, "train", "good"))
		}
	}
	found, err := imagefolder.Find(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(found.Files) == 0 {
		return nil, nil, nothingIn(dir, &found.Skipped)
	}
	pictures := make([]Picture, len(found.Files))
	for i, path := range found.Files {
		pictures[i] = file(path, w, h, maxPixels)
	}
	return pictures, &found.Skipped, nil
}

func nothingIn(dir string, skipped *imagefolder.Skipped) error {
	if skipped.Entries() == 0 {
		return fmt.Errorf("no images in %s: files named %s are read", dir, imagefolder.Names())
	}
	return fmt.Errorf("no images in %s, only %s: files named %s are read", dir, skipped, imagefolder.Names())
}

func file(path string, w, h, maxPixels int) Picture {
	var size image.Point
	return Picture{
		Name: path,
		Read: func() (pixels []byte, err error) {
			pixels, size, err = read(path, w, h, maxPixels)
			return pixels, err
		},
		Size: func() image.Point { return size },
	}
}

func read(path string, w, h, maxPixels int) (_ []byte, size image.Point, err error) {
	picture, err := inspect.ReadPicture(path, maxPixels)
	if err != nil {
		return nil, size, err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	pixels, err := inspect.AtSize(picture, w, h)
	if err != nil {
		return nil, size, fmt.Errorf("%s: %w", path, err)
	}
	return pixels, image.Pt(picture.Cols(), picture.Rows()), nil
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
