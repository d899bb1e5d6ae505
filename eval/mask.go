package eval

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/inspect"
)

// readMask reads a truth mask and brings it to the model's size with nearest
// neighbour: [h,w], 1 in the defect. Whatever is not black is defect: VisA
// numbers the kinds from 1.
func readMask(path string, w, h, maxPixels int) (_ []byte, err error) {
	mask, err := inspect.ReadPicture(path, maxPixels)
	if err != nil {
		return nil, fmt.Errorf("truth mask: %w", err)
	}
	small := gocv.NewMat()
	defer func() { err = errors.Join(err, mask.Close(), small.Close()) }()
	if err := gocv.Resize(mask, &small, image.Pt(w, h), 0, 0, gocv.InterpolationNearestNeighbor); err != nil {
		return nil, fmt.Errorf("truth mask %s: %w", path, err)
	}
	return marked(small.DataPtrUint8())
}

// marked is 1 for every pixel with a channel above zero.
func marked(bgr []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(bgr)/3)
	for i := range out {
		if bgr[3*i]|bgr[3*i+1]|bgr[3*i+2] != 0 {
			out[i] = 1
		}
	}
	return out, nil
}
