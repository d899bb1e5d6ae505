package inspect

import (
	"fmt"
	"image"
	"slices"

	"gocv.io/x/gocv"
)

// loadMask reads an ignore mask and brings it to the model's size. It is as
// large as the region of interest, or as the camera's whole picture; in the
// second case the field remembers that size, and pictures must have it.
func (f *field) loadMask(path string, w, h int) ([]byte, error) {
	mask, err := ReadPicture(path)
	if err != nil {
		return nil, fmt.Errorf("ignore mask: %w", err)
	}
	defer mask.Close()
	size := image.Pt(mask.Cols(), mask.Rows())
	part := image.Rectangle{Max: size}
	switch {
	case f.roi == nil:
		f.picture = size
	case size == f.roi.Size():
	case f.roi.In(part):
		f.picture, part = size, *f.roi
	default:
		return nil, fmt.Errorf("ignore mask %s is %dx%d: must be the size of the region of interest, %dx%d, or of the whole picture, at least %dx%d",
			path, size.X, size.Y, f.roi.Dx(), f.roi.Dy(), f.roi.Max.X, f.roi.Max.Y)
	}
	region := mask.Region(part)
	defer region.Close()
	small, err := shrinkMask(region, w, h)
	if err != nil {
		return nil, fmt.Errorf("ignore mask %s: %w", path, err)
	}
	if !slices.Contains(small, 0) {
		return nil, fmt.Errorf("ignore mask %s leaves nothing to judge: zero is what counts, all else is ignored", path)
	}
	return small, nil
}

// shrinkMask returns [h,w], 255 where a pixel of the model lies over any
// ignored pixel of the camera: what is thin stays ignored.
func shrinkMask(mask gocv.Mat, w, h int) ([]byte, error) {
	solid := mask.Clone() // a region of a larger mask has gaps between its rows
	defer solid.Close()
	if t := solid.Type(); t != gocv.MatTypeCV8UC3 {
		return nil, fmt.Errorf("its type is %v, must have 8 bits", t)
	}
	bgr, err := solid.DataPtrUint8()
	if err != nil {
		return nil, err
	}
	cols, rows := solid.Cols(), solid.Rows()
	small := make([]byte, w*h)
	for y := range max(rows, h) {
		for x := range max(cols, w) {
			at := 3 * (y*rows/max(rows, h)*cols + x*cols/max(cols, w))
			if bgr[at]|bgr[at+1]|bgr[at+2] != 0 {
				small[y*h/max(rows, h)*w+x*w/max(cols, w)] = 255
			}
		}
	}
	return small, nil
}
