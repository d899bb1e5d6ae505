package inspect

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"gocv.io/x/gocv"

	"faird/inspect/geometry"
)

// loadMask reads an ignore mask as the inspected picture has it. It is as large
// as the region of interest, or as the camera's whole picture; in the second
// case the viewer remembers that size, and pictures must have it. The caller
// closes it.
func (v *Viewer) loadMask(path string, maxPixels int) (gocv.Mat, error) {
	mask, err := ReadPicture(path, maxPixels)
	if err != nil {
		return mask, fmt.Errorf("ignore mask: %w", err)
	}
	defer mask.Close()
	size, region := image.Pt(mask.Cols(), mask.Rows()), v.view.Region
	switch {
	case region.Empty() || region.In(image.Rectangle{Max: size}) && size != region.Size():
		v.picture = size
		return v.throughView(mask)
	case size == region.Size():
		sheet, err := v.inPlace(mask)
		if err != nil {
			return sheet, err
		}
		defer sheet.Close()
		return v.throughView(sheet)
	}
	return gocv.Mat{}, fmt.Errorf("ignore mask %s is %dx%d: must be the size of the region of interest, %dx%d, or of the whole picture, at least %dx%d",
		path, size.X, size.Y, region.Dx(), region.Dy(), region.Max.X, region.Max.Y)
}

// inPlace is a mask of the region alone on as much of a camera's picture as the
// view shows; nothing is ignored around it.
func (v *Viewer) inPlace(mask gocv.Mat) (gocv.Mat, error) {
	size := v.view.Region.Union(v.view.Seen(geometry.Point{})).Max
	sheet := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), size.Y, size.X, mask.Type())
	place := sheet.Region(v.view.Region)
	defer place.Close()
	return sheet, mask.CopyTo(&place)
}

// throughView is the mask as the inspected picture has it. Between pixels it is
// interpolated, so that what is thin stays ignored.
func (v *Viewer) throughView(mask gocv.Mat) (gocv.Mat, error) {
	size := v.picture
	v.picture = image.Point{}
	defer func() { v.picture = size }()
	s, err := v.see(mask, geometry.Point{})
	if err != nil {
		return gocv.Mat{}, fmt.Errorf("ignore mask: %w", err)
	}
	defer s.Part.Close()
	return s.Part.Clone(), nil
}

// shrinkMask returns [h,w], 255 where a pixel of the map lies over any ignored
// pixel of the inspected picture: what is thin stays ignored.
func shrinkMask(mask gocv.Mat, w, h int) ([]byte, error) {
	if t := mask.Type(); t != gocv.MatTypeCV8UC3 {
		return nil, fmt.Errorf("ignore mask: its type is %v, must have 8 bits", t)
	}
	bgr, err := mask.DataPtrUint8()
	if err != nil {
		return nil, err
	}
	cols, rows := mask.Cols(), mask.Rows()
	small := make([]byte, w*h)
	for y := range max(rows, h) {
		for x := range max(cols, w) {
			at := 3 * (y*rows/max(rows, h)*cols + x*cols/max(cols, w))
			if bgr[at]|bgr[at+1]|bgr[at+2] != 0 {
				small[y*h/max(rows, h)*w+x*w/max(cols, w)] = 255
			}
		}
	}
	if !slices.Contains(small, 0) {
		return nil, errors.New("ignore mask: it leaves nothing to judge: zero is what counts, all else is ignored")
	}
	return small, nil
}
