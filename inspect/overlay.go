package inspect

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// MapPicture draws the last picture's map in false colours over the inspected
// picture, at the map's size, as a PNG; with tiles, the colours alone. Blue is
// zero and dark red is full; with a level, the threshold, that is twice the
// level, so that green to yellow is where regions begin; without, the map's own
// maximum.
func (i *Inspector) MapPicture(level *float64) ([]byte, error) {
	coloured, err := i.coloured(level)
	if err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	defer coloured.Close()
	m := i.judge.maps()
	if m.planes == nil {
		return encode(coloured)
	}
	under, err := gocv.NewMatFromBytes(m.h, m.w, gocv.MatTypeCV8UC3, pixels(m.planes))
	if err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	defer under.Close()
	if err := gocv.AddWeighted(under, 0.5, coloured, 0.5, 0, &coloured); err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	return encode(coloured)
}

// MapOver draws the map over the camera's picture, which must be the one that
// was inspected last, in its own pixels; around the inspected region the picture
// stays as it is.
func (i *Inspector) MapOver(picture gocv.Mat, level *float64) ([]byte, error) {
	canvas := gocv.NewMat()
	defer canvas.Close()
	if err := asBGR(picture, &canvas); err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	if err := i.PaintMap(&canvas, level); err != nil {
		return nil, err
	}
	return encode(canvas)
}

// PaintMap is MapOver onto an 8-bit BGR picture.
func (i *Inspector) PaintMap(canvas *gocv.Mat, level *float64) error {
	coloured, err := i.coloured(level)
	if err != nil {
		return fmt.Errorf("map picture: %w", err)
	}
	defer coloured.Close()
	if err := i.paint(coloured, canvas); err != nil {
		return fmt.Errorf("map picture: %w", err)
	}
	return nil
}

func (i *Inspector) paint(coloured gocv.Mat, canvas *gocv.Mat) error {
	size := image.Pt(canvas.Cols(), canvas.Rows())
	solid := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 0, 0, 0), coloured.Rows(), coloured.Cols(), gocv.MatTypeCV8UC1)
	defer solid.Close()
	over, where, matrix := gocv.NewMat(), gocv.NewMat(), gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer over.Close()
	defer where.Close()
	defer matrix.Close()
	if err := setMatrix(&matrix, i.toCamera); err != nil {
		return err
	}
	if err := errors.Join(
		gocv.WarpAffineWithParams(coloured, &over, matrix, size, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{}),
		gocv.WarpAffineWithParams(solid, &where, matrix, size, gocv.InterpolationNearestNeighbor, gocv.BorderConstant, color.RGBA{}), // what the map covers
		gocv.AddWeighted(*canvas, 0.5, over, 0.5, 0, &over),
	); err != nil {
		return err
	}
	return over.CopyToWithMask(canvas, where)
}

// asBGR is a picture of any supported type in 8-bit BGR.
func asBGR(picture gocv.Mat, into *gocv.Mat) error {
	depth := gocv.NewMat()
	defer depth.Close()
	narrow, err := eightBits(picture, &depth)
	if err != nil {
		return err
	}
	if narrow.Channels() == 1 {
		return gocv.CvtColor(narrow, into, gocv.ColorGrayToBGR)
	}
	return narrow.CopyTo(into)
}

// coloured is the map in false colours; the caller closes it.
func (i *Inspector) coloured(level *float64) (gocv.Mat, error) {
	full := float64(i.peak())
	if level != nil && *level > 0 {
		full = 2 * *level
	}
	m := i.judge.maps()
	heat, err := gocv.NewMatFromBytes(m.h, m.w, gocv.MatTypeCV8UC1, scaled(m.smoothed, full))
	if err != nil {
		return gocv.Mat{}, err
	}
	defer heat.Close()
	coloured := gocv.NewMat()
	if err := gocv.ApplyColorMap(heat, &coloured, gocv.ColormapTurbo); err != nil {
		return gocv.Mat{}, errors.Join(err, coloured.Close())
	}
	return coloured, nil
}

func (i *Inspector) peak() (peak float32) {
	for _, v := range i.Map() {
		peak = max(peak, v)
	}
	return peak
}

// scaled brings values of 0..full to bytes.
func scaled(values []float32, full float64) []byte {
	out := make([]byte, len(values))
	for i, v := range values {
		if full > 0 {
			out[i] = byte(min(max(float64(v)/full, 0), 1)*255 + 0.5)
		}
	}
	return out
}

// pixels interleaves planes of 0..1 to bytes.
func pixels(planes []float32) []byte {
	n := len(planes) / 3
	out := make([]byte, len(planes))
	for c := range 3 {
		for i, v := range planes[c*n : (c+1)*n] {
			out[3*i+c] = byte(v*255 + 0.5)
		}
	}
	return out
}

func encode(picture gocv.Mat) ([]byte, error) {
	buffer, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	defer buffer.Close()
	return append([]byte(nil), buffer.GetBytes()...), nil
}
