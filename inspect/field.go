package inspect

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/config"
)

// field is the part of the camera's picture that is judged.
type field struct {
	roi     *image.Rectangle // nil: the whole picture
	picture image.Point      // size that the ignore mask asks of the picture; zero: any
}

func newField(roi *config.Rect) (field, error) {
	if roi == nil {
		return field{}, nil
	}
	if roi.X < 0 || roi.Y < 0 || roi.W < 1 || roi.H < 1 {
		return field{}, fmt.Errorf("region of interest x %d, y %d, w %d, h %d: needs a corner in the picture and a size", roi.X, roi.Y, roi.W, roi.H)
	}
	r := image.Rect(roi.X, roi.Y, roi.X+roi.W, roi.Y+roi.H)
	return field{roi: &r}, nil
}

// bounds is the rectangle of the picture that is judged, or why there is none.
func (f field) bounds(picture gocv.Mat) (image.Rectangle, error) {
	if picture.Closed() || picture.Empty() {
		return image.Rectangle{}, fmt.Errorf("%w: it is empty", ErrPicture)
	}
	all := image.Rect(0, 0, picture.Cols(), picture.Rows())
	if f.picture != (image.Point{}) && all.Size() != f.picture {
		return all, fmt.Errorf("%w: it is %dx%d, the ignore mask is for %dx%d", ErrPicture, all.Dx(), all.Dy(), f.picture.X, f.picture.Y)
	}
	if f.roi == nil {
		return all, nil
	}
	if !f.roi.In(all) {
		return all, fmt.Errorf("%w: it is %dx%d, the region of interest needs at least %dx%d", ErrPicture, all.Dx(), all.Dy(), f.roi.Max.X, f.roi.Max.Y)
	}
	return *f.roi, nil
}
