package fair

import (
	"errors"
	"fmt"
	"math"
)

// FilterType names one of the paper's high-pass filters.
type FilterType string

// The filters: three in the frequency domain (eq. 4-6), two Sobel derivatives (sec. 5.4).
const (
	Butterworth FilterType = "butterworth"
	Ideal       FilterType = "ideal"
	Gaussian    FilterType = "gaussian"
	SobelX      FilterType = "sobel_x"
	SobelXY     FilterType = "sobel_xy"
)

// Filter says which part of the picture the network is given.
type Filter struct {
	Type  FilterType `json:"type"`
	D0    float64    `json:"d0,omitempty"`    // cut-off in DFT bins of the model's size; frequency filters only
	Order int        `json:"order,omitempty"` // Butterworth only
	KSize int        `json:"ksize,omitempty"` // Sobel only: side of the kernel, 3 or 5
}

// maxOrder keeps (D0/D)^2n a number: beyond it Butterworth is the ideal filter anyway.
const maxOrder = 64

// DefaultFilter is the paper's: Butterworth of order 2, D0 = 30.
func DefaultFilter() Filter { return Filter{Type: Butterworth, D0: 30, Order: 2} }

// CutoffAt is the cut-off, in DFT bins, for pictures of h x w: the paper's is 30
// bins of 256 pixels, a wave of 8.5 pixels; this one is the same wave on the
// shorter side.
func CutoffAt(h, w int) float64 {
	const paper, at = 30, 256
	return paper * float64(min(h, w)) / at
}

// Validate says what is wrong with the filter and what it may be.
func (f Filter) Validate() error {
	switch f.Type {
	case Butterworth, Ideal, Gaussian:
		return f.validateFrequency()
	case SobelX, SobelXY:
		if f.KSize != 3 && f.KSize != 5 {
			return fmt.Errorf("filter %s: ksize is %d, must be 3 or 5", f.Type, f.KSize)
		}
		return nil
	}
	return fmt.Errorf("filter type %q is not known: use %s, %s, %s, %s or %s",
		f.Type, Butterworth, Ideal, Gaussian, SobelX, SobelXY)
}

func (f Filter) validateFrequency() error {
	if !(f.D0 > 0) || math.IsInf(f.D0, 0) {
		return fmt.Errorf("filter %s: d0 is %v, must be more than 0", f.Type, f.D0)
	}
	if f.Type == Butterworth && (f.Order < 1 || f.Order > maxOrder) {
		return fmt.Errorf("filter %s: order is %d, must be 1 to %d", f.Type, f.Order, maxOrder)
	}
	return nil
}

// Channels is how many channels the filter makes of a grey picture.
func (f Filter) Channels() int {
	if f.Type == SobelXY {
		return 2
	}
	return 1
}

// Transfer returns H(u,v), rows x cols, with the zero frequency at
// (rows/2, cols/2): eq. 4 (ideal), 5 (Butterworth), 6 (Gaussian). It is an
// error for the Sobel filters, which have no such form here.
func (f Filter) Transfer(rows, cols int) ([]float32, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if rows < 1 || cols < 1 {
		return nil, fmt.Errorf("filter %s: picture of %dx%d has no pixels", f.Type, cols, rows)
	}
	if f.Type == SobelX || f.Type == SobelXY {
		return nil, errors.New("a Sobel filter has no transfer function")
	}
	h := make([]float32, rows*cols)
	for u := range rows {
		for v := range cols {
			d := math.Hypot(float64(u-rows/2), float64(v-cols/2))
			h[u*cols+v] = float32(f.response(d))
		}
	}
	return h, nil
}

// response is H at the distance d from the zero frequency, in bins.
func (f Filter) response(d float64) float64 {
	switch f.Type {
	case Ideal:
		if d <= f.D0 {
			return 0
		}
		return 1
	case Gaussian:
		return -math.Expm1(-d * d / (2 * f.D0 * f.D0))
	}
	if d == 0 {
		return 0
	}
	return 1 / (1 + math.Pow(f.D0/d, float64(2*f.Order)))
}
