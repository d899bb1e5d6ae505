// Package highpass applies the paper's high-pass filters to grey pictures with
// OpenCV. What a filter is, [faird/fair] says; nothing here knows of colour,
// networks or scores.
package highpass

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/fair"
)

// HighPass filters pictures of one size. It owns its buffers, so that a
// picture costs no allocation; one goroutine uses it at a time.
type HighPass struct {
	rows, cols int
	filter     fair.Filter
	apply      func(grey gocv.Mat, dst []float32) error
	transfer   gocv.Mat // frequency filters: H in the order of OpenCV's packed spectra, over rows*cols
	spectrum   gocv.Mat // [rows, cols], packed
	out        gocv.Mat // [rows, cols]
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
	p := &HighPass{rows: rows, cols: cols, filter: f}
	p.transfer, p.spectrum, p.out = gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	if f.Type == fair.SobelX || f.Type == fair.SobelXY {
		p.apply = p.sobel
		return p, nil
	}
	p.apply = p.frequency
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare fills transfer with H, in the packed order, divided by the number of
// pixels: OpenCV's inverse transform then needs no scaling of its own.
func (p *HighPass) prepare() error {
	h, err := p.filter.Transfer(p.rows, p.cols)
	if err != nil {
		return err
	}
	p.transfer.Close()
	p.transfer = gocv.NewMatWithSize(p.rows, p.cols, gocv.MatTypeCV32F)
	packed, err := p.transfer.DataPtrFloat32()
	if err != nil {
		return err
	}
	pack(packed, h, p.rows, p.cols)
	return nil
}

// pack orders H, centre at (rows/2, cols/2), as OpenCV packs the spectrum of a
// real picture (CCS): a row holds v = 0 once, then real and imaginary parts of
// v = 1, 2, ..., and v = cols/2 once where cols is even; the columns that hold
// v = 0 and v = cols/2 are packed in the same way from top to bottom.
func pack(dst, h []float32, rows, cols int) {
	n := float32(rows * cols)
	for r := range rows {
		for c := range cols {
			u, v := r, (c+1)/2
			if c == 0 || (cols%2 == 0 && c == cols-1) {
				u = (r + 1) / 2
			}
			dst[r*cols+c] = h[(u+rows/2)%rows*cols+(v+cols/2)%cols] / n
		}
	}
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
	return p.apply(grey, dst)
}

func (p *HighPass) frequency(grey gocv.Mat, dst []float32) error {
	if err := gocv.DFT(grey, &p.spectrum, gocv.DftForward); err != nil {
		return fmt.Errorf("high-pass: forward transform: %w", err)
	}
	if err := gocv.Multiply(p.spectrum, p.transfer, &p.spectrum); err != nil {
		return fmt.Errorf("high-pass: transfer function: %w", err)
	}
	if err := gocv.DFT(p.spectrum, &p.out, gocv.DftInverse|gocv.DftRealOutput); err != nil {
		return fmt.Errorf("high-pass: inverse transform: %w", err)
	}
	return p.copyOut(dst)
}

// sobel makes one channel d/dx, or two, d/dx and d/dy.
func (p *HighPass) sobel(grey gocv.Mat, dst []float32) error {
	n := p.rows * p.cols
	for channel := range p.filter.Channels() {
		d := image.Pt(1-channel, channel)
		if err := gocv.Sobel(grey, &p.out, gocv.MatTypeCV32F, d.X, d.Y, p.filter.KSize, 1, 0, gocv.BorderDefault); err != nil {
			return fmt.Errorf("high-pass: sobel: %w", err)
		}
		if err := p.copyOut(dst[channel*n : (channel+1)*n]); err != nil {
			return err
		}
	}
	return nil
}

func (p *HighPass) copyOut(dst []float32) error {
	out, err := p.out.DataPtrFloat32()
	if err != nil {
		return fmt.Errorf("high-pass: %w", err)
	}
	copy(dst, out)
	return nil
}

// Close frees the buffers. The high-pass cannot be used afterwards.
func (p *HighPass) Close() error {
	return errors.Join(p.transfer.Close(), p.spectrum.Close(), p.out.Close())
}
