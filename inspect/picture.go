package inspect

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/camera"
)

// ErrPicture is wrapped by every error that says that a picture cannot be
// judged, as opposed to a fault of the model or the machine.
var ErrPicture = camera.ErrPicture

// fullRange brings 16 bits to 8: 65535 becomes 255, so value / 257. The full
// range counts, whatever the camera's own depth: a camera of 10 or 12 bits must
// deliver them in the upper bits, as GStreamer's GRAY16 and 16-bit files do.
const fullRange = 1.0 / 257

// resizer brings pictures of any size and supported type to 8-bit BGR of the
// model's size. It owns its buffers.
type resizer struct {
	size  image.Point
	depth gocv.Mat // 16-bit pictures, in 8 bits
	small gocv.Mat // grey pictures, resized
	bgr   gocv.Mat // [h,w,3], 8-bit
}

func newResizer(w, h int) *resizer {
	return &resizer{size: image.Pt(w, h), depth: gocv.NewMat(), small: gocv.NewMat(), bgr: gocv.NewMat()}
}

// resize returns the picture's pixels at the model's size, interleaved BGR,
// valid until the next call. The 8-bit picture is resized with INTER_LINEAR,
// before any scaling (DESIGN, the method, 1); grey is repeated to three channels.
func (r *resizer) resize(picture gocv.Mat) ([]byte, error) {
	if picture.Closed() || picture.Empty() {
		return nil, fmt.Errorf("%w: it is empty", ErrPicture)
	}
	picture, err := eightBits(picture, &r.depth)
	if err != nil {
		return nil, err
	}
	if err := r.linear(picture); err != nil {
		return nil, fmt.Errorf("resize to %dx%d: %w", r.size.X, r.size.Y, err)
	}
	return r.bgr.DataPtrUint8()
}

// eightBits is the picture itself, or in depth what a 16-bit one is in 8 bits.
func eightBits(picture gocv.Mat, depth *gocv.Mat) (gocv.Mat, error) {
	switch t := picture.Type(); t {
	case gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC1:
		return picture, nil
	case gocv.MatTypeCV16UC3, gocv.MatTypeCV16UC1:
		if err := picture.ConvertToWithParams(depth, t&^depthMask|gocv.MatTypeCV8U, fullRange, 0); err != nil {
			return picture, fmt.Errorf("16 to 8 bits: %w", err)
		}
		return *depth, nil
	default:
		return picture, fmt.Errorf("%w: its type is %v, must be 8- or 16-bit with one or three channels", ErrPicture, t)
	}
}

// depthMask is the part of an OpenCV type that says what a number is.
const depthMask gocv.MatType = 7

func (r *resizer) linear(picture gocv.Mat) error {
	if picture.Channels() == 3 {
		return gocv.Resize(picture, &r.bgr, r.size, 0, 0, gocv.InterpolationLinear)
	}
	if err := gocv.Resize(picture, &r.small, r.size, 0, 0, gocv.InterpolationLinear); err != nil {
		return err
	}
	return gocv.CvtColor(r.small, &r.bgr, gocv.ColorGrayToBGR)
}

func (r *resizer) close() error {
	return errors.Join(r.depth.Close(), r.small.Close(), r.bgr.Close())
}
