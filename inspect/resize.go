package inspect

import (
	"bytes"
	"errors"

	"gocv.io/x/gocv"
)

// AtSize is a picture as Inspect sees it before any scaling: 8-bit BGR pixels
// [h, w, 3], resized. Training reads its pictures through it, so that both see
// the same ones. Errors about the picture wrap ErrPicture.
func AtSize(picture gocv.Mat, w, h int) ([]byte, error) {
	r := newResizer(w, h)
	pixels, err := r.resize(picture)
	pixels = bytes.Clone(pixels)
	return pixels, errors.Join(err, r.close())
}
