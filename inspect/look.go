package inspect

import (
	"image"

	"gocv.io/x/gocv"
)

// Look is what the last picture was judged by, for showing. It is valid until
// the next Inspect.
type Look struct {
	Field    image.Rectangle // the judged part of the picture, camera pixels
	W, H     int             // of the map and the restoration
	Map      []float32       // [h,w]
	Restored []float32       // [3,h,w] BGR, not clipped
}

// Look gives the views of the picture that was inspected last.
func (i *Inspector) Look(picture gocv.Mat) (Look, error) {
	bounds, err := i.field.bounds(picture)
	return Look{Field: bounds, W: i.w, H: i.h, Map: i.Map(), Restored: i.Restored()}, err
}
