// Package highpass applies the paper's high-pass filters to grey pictures: those
// of the spectrum with [faird/fair/fourier], Sobel's with OpenCV. What a filter
// is, [faird/fair] says; nothing here knows of colour, networks or scores.
package highpass

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/fair/fourier"
)

// HighPass filters pictures of one size. It owns its buffers, so that a
// picture costs no allocation; one goroutine uses it at a time.
type HighPass struct {
	rows, cols int
	filter     fair.Filter
	frequency  *fourier.Filter // nil: Sobel
	out        gocv.Mat        // [rows, cols], Sobel's
}

// New makes a high-pass for pictures of rows x cols pixels. It is an error
// where the filter is not valid or the picture has no pixels.
func New(rows, cols int, f fair.Filter) (*HighPass, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if rows < 1 || cols < 1 {
		return nil, fmt.Errorf("high-pass of a picture of %dx%d pixels", cols, rows)
	}
	p := &HighPass{rows: rows, cols: cols, filter: f, out: gocv.NewMat()}
	if f.Type == fair.SobelX || f.Type == fair.SobelXY {
		return p, nil
	}
	transfer, err := f.Transfer(rows, cols)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if p.frequency, err = fourier.New(rows, cols, transfer); err != nil {
		return nil, errors.Join(fmt.Errorf("high-pass: %w", err), p.Close())
	}
	return p, nil
}

// Apply filters grey, CV_32F of rows x cols, 0..1, into dst, [channels, rows,
// cols]. The result is neither clipped nor scaled. A picture or a slice of
// another size is an error.
func (p *HighPass) Apply(grey gocv.Mat, dst []float32) error {
	if grey.Type() != gocv.MatTypeCV32F || grey.Rows() != p.rows || grey.Cols() != p.cols {
		return fmt.Errorf("high-pass: picture of %dx%d, type %v; made for %dx%d, type %v",
			grey.Cols(), grey.Rows(), grey.Type(), p.cols, p.rows, gocv.MatTypeCV32F)
	}
	if want := p.filter.Channels() * p.rows * p.cols; len(dst) != want {
		return fmt.Errorf("high-pass: %d values of room, needs %d", len(dst), want)
	}
	if p.frequency == nil {
		return p.sobel(grey, dst)
	}
	values, err := grey.DataPtrFloat32()
	if err != nil {
		return fmt.Errorf("high-pass: %w", err)
	}
	p.frequency.Apply(values, dst)
	return nil
}

// sobel makes one channel d/dx, or two, d/dx and d/dy.
func (p *HighPass) sobel(grey gocv.Mat, dst []float32) error {
	n := p.rows * p.cols
	for channel := range p.filter.Channels() {
		d := image.Pt(1-channel, channel)
		if err := gocv.Sobel(grey, &p.out, gocv.MatTypeCV32F, d.X, d.Y, p.filter.KSize, 1, 0, gocv.BorderDefault); err != nil {
			return fmt.Errorf("high-pass: sobel: %w", err)
		}
		out, err := p.out.DataPtrFloat32()
		if err != nil {
			return fmt.Errorf("high-pass: %w", err)
		}
		copy(dst[channel*n:(channel+1)*n], out)
	}
	return nil
}

// Close frees the buffers. The high-pass cannot be used afterwards.
func (p *HighPass) Close() error { return p.out.Close() }
