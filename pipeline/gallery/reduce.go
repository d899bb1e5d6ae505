package gallery

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// coarse is how many times wider than wanted a picture may be to be averaged
// whole; of a wider one rows and columns are left out first, so that a small
// picture costs about as much whatever the camera.
const coarse = 8

// reduced is a wider picture in so many columns, a new one: halved, then
// interpolated. OpenCV averages pairs several times as fast as any other number.
func reduced(picture gocv.Mat, width int) (gocv.Mat, error) {
	w, h := picture.Cols(), picture.Rows()
	switch step := 2 * w / (coarse * width); {
	case step > 1:
		return by(picture, w/step, h/step, gocv.InterpolationNearestNeighbor, width)
	case w >= 2*width && h > 1:
		even := picture.Region(image.Rect(0, 0, w&^1, h&^1))
		defer even.Close()
		return by(even, w/2, h/2, gocv.InterpolationArea, width)
	}
	return resized(picture, width, h*width/w, gocv.InterpolationLinear)
}

// by goes on from a smaller one.
func by(picture gocv.Mat, w, h int, how gocv.InterpolationFlags, width int) (gocv.Mat, error) {
	small, err := resized(picture, w, h, how)
	if err != nil {
		return small, err
	}
	defer small.Close()
	return reduced(small, width)
}

func resized(picture gocv.Mat, w, h int, how gocv.InterpolationFlags) (gocv.Mat, error) {
	out := gocv.NewMat()
	if err := gocv.Resize(picture, &out, image.Pt(w, max(1, h)), 0, 0, how); err != nil {
		_ = out.Close()
		return out, fmt.Errorf("make a picture smaller: %w", err)
	}
	return out, nil
}
