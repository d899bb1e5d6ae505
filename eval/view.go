package eval

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"

	"gocv.io/x/gocv"

	"faird/inspect"
)

// viewSide is the longest side of a view in pixels.
const viewSide = 256

const jpegQuality = 84

// Views are small JPEG pictures of what was judged, all of one size and of the
// shape of the camera's picture.
type Views struct {
	W, H     int
	Picture  []byte
	Restored []byte
	Map      []byte // in false colours over the picture
	Truth    []byte // the picture with its true region outlined; nil where that is not known
}

// newViews makes the views of the inspector's last picture.
func newViews(i *inspect.Inspector, picture gocv.Mat, mask []byte, w, h int, threshold *float64) (*Views, error) {
	d := &drawer{size: fit(picture.Cols(), picture.Rows())}
	v := &Views{W: d.size.X, H: d.size.Y}
	small := d.mat(shrink(picture, d.size))
	v.Picture = d.jpeg(small)
	v.Restored = d.jpeg(d.scaled(d.mat(gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC3, interleaved(i.Restored())))))
	heat, err := i.MapPicture(threshold)
	d.fail(err)
	v.Map = d.jpeg(d.scaled(d.mat(gocv.IMDecode(heat, gocv.IMReadColor))))
	if slices.Contains(mask, 1) {
		d.outline(small, d.mat(gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC1, mask)))
		v.Truth = d.jpeg(small)
	}
	return v, d.close()
}

// fit is the size with the picture's shape whose longest side is viewSide.
func fit(w, h int) image.Point {
	longest := max(w, h)
	return image.Pt(max(w*viewSide/longest, 1), max(h*viewSide/longest, 1))
}

// drawer keeps the first error and what there is to close, so that a picture is
// drawn without a check after each step.
type drawer struct {
	size image.Point
	mats []gocv.Mat
	err  error
}

func (d *drawer) fail(err error) { d.err = errors.Join(d.err, err) }

func (d *drawer) mat(m gocv.Mat, err error) gocv.Mat {
	d.fail(err)
	if err == nil {
		d.mats = append(d.mats, m)
	}
	return m
}

func (d *drawer) scaled(m gocv.Mat) gocv.Mat {
	if d.err != nil {
		return m
	}
	return d.mat(shrink(m, d.size))
}

func (d *drawer) jpeg(m gocv.Mat) []byte {
	if d.err != nil {
		return nil
	}
	buffer, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, jpegQuality})
	if err != nil {
		d.fail(err)
		return nil
	}
	defer buffer.Close()
	return slices.Clone(buffer.GetBytes())
}

// magenta is the outline's colour: none of the map's, rare on parts.
var magenta = color.RGBA{R: 255, B: 255, A: 255}

// outline draws the border of the mask, [h,w] of the model, on a view.
func (d *drawer) outline(on, mask gocv.Mat) {
	if d.err != nil {
		return
	}
	sized := d.mat(gocv.NewMat(), nil)
	if err := gocv.Resize(mask, &sized, d.size, 0, 0, gocv.InterpolationNearestNeighbor); err != nil {
		d.fail(err)
		return
	}
	contours := gocv.FindContours(sized, gocv.RetrievalExternal, gocv.ChainApproxNone)
	defer contours.Close()
	d.fail(gocv.DrawContours(&on, contours, -1, magenta, 2))
}

func (d *drawer) close() error {
	for _, m := range d.mats {
		d.fail(m.Close())
	}
	return d.err
}

// shrink resizes to 8 bits and the given size.
func shrink(m gocv.Mat, size image.Point) (gocv.Mat, error) {
	small := gocv.NewMat()
	how := gocv.InterpolationArea
	if m.Cols() < size.X {
		how = gocv.InterpolationLinear
	}
	if err := gocv.Resize(m, &small, size, 0, 0, how); err != nil {
		return small, errors.Join(fmt.Errorf("resize: %w", err), small.Close())
	}
	if small.Type() == gocv.MatTypeCV16UC3 {
		if err := small.ConvertToWithParams(&small, gocv.MatTypeCV8UC3, 1.0/257, 0); err != nil {
			return small, errors.Join(fmt.Errorf("16 to 8 bits: %w", err), small.Close())
		}
	}
	return small, nil
}

// interleaved brings planes [3,h,w] of 0..1 to bytes [h,w,3]; the network's
// output is not clipped, bytes are.
func interleaved(planes []float32) []byte {
	n := len(planes) / 3
	out := make([]byte, len(planes))
	for c := range 3 {
		for i, v := range planes[c*n : (c+1)*n] {
			out[3*i+c] = byte(min(max(v, 0), 1)*255 + 0.5)
		}
	}
	return out
}
