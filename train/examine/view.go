package examine

import (
	"errors"
	"image"
	"math"

	"gocv.io/x/gocv"

	"faird/inspect/validity"
)

const (
	fineSide   = 128 // most pixels of the longer side that images are compared at
	coarseSide = 8   // of the descriptor that candidates are found by
	border     = 3   // pixels of the fine image that are not compared: a shift moves others in
)

// view is what is kept of an image to compare it with others: about 16 kB.
type view struct {
	name   string
	size   image.Point // before it was resized; zero: not known
	fine   []byte      // grey, smoothed, [h,w] of the set
	coarse coarse
	stats  validity.Stats
	blur   float64 // logarithm of how many fine pixels an edge is wide, roughly
	grey   bool    // all channels are equal
}

// coarse is an image in 8x8 cells: grey without brightness and contrast, then
// how red and how blue it is, all in levels of 0..255.
type coarse [3 * coarseSide * coarseSide]float32

// distance2 is the mean squared difference of grey, in squared levels; where it
// is above most, anything above most.
func (c *coarse) distance2(o *coarse, most float32) float32 {
	const n = coarseSide * coarseSide
	var sum float32
	for from := 0; from < n && sum <= most*n; from += n / 4 {
		a, b := c[from:from+n/4], o[from:from+n/4]
		for i, v := range a {
			d := v - b[i]
			sum += d * d
		}
	}
	return sum / n
}

// hue2 is the same of the colours.
func (c *coarse) hue2(o *coarse) float32 {
	var sum float32
	for i := coarseSide * coarseSide; i < len(c); i++ {
		d := c[i] - o[i]
		sum += d * d
	}
	return sum / (2 * coarseSide * coarseSide)
}

// viewer makes views of 8-bit BGR pixels [h,w,3] of one size. It owns its buffers
// and is for one goroutine.
type viewer struct {
	w, h, fineW, fineH int
	meter              *validity.Meter
	grey, fine, cells  gocv.Mat
}

func newViewer(w, h int) *viewer {
	v := &viewer{w: w, h: h, fineW: w, fineH: h, meter: validity.NewMeter(w, h), grey: gocv.NewMat(), fine: gocv.NewMat(), cells: gocv.NewMat()}
	if longer := max(w, h); longer > fineSide {
		v.fineW, v.fineH = max(1, w*fineSide/longer), max(1, h*fineSide/longer)
	}
	return v
}

func (v *viewer) close() error { return errors.Join(v.grey.Close(), v.fine.Close(), v.cells.Close()) }

func (v *viewer) view(pixels []byte) (_ *view, err error) {
	if err := v.meter.Add(pixels); err != nil {
		return nil, err
	}
	picture, err := gocv.NewMatFromBytes(v.h, v.w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	out := &view{stats: v.meter.Take(0), grey: isGrey(pixels)}
	if err := errors.Join(
		gocv.CvtColor(picture, &v.grey, gocv.ColorBGRToGray),
		gocv.Resize(v.grey, &v.fine, image.Pt(v.fineW, v.fineH), 0, 0, gocv.InterpolationArea),
		// One pixel of smoothing takes out most of a sensor's noise and makes a shift by a pixel nearly linear.
		gocv.GaussianBlur(v.fine, &v.fine, image.Point{}, 1, 1, gocv.BorderReplicate),
		gocv.Resize(picture, &v.cells, image.Pt(coarseSide, coarseSide), 0, 0, gocv.InterpolationArea),
	); err != nil {
		return nil, err
	}
	out.fine = v.fine.ToBytes()
	out.blur = blur(out.fine, v.fineW, v.fineH)
	out.coarse.set(v.cells.ToBytes())
	return out, nil
}

// normalContrast is the standard deviation, in levels, that the cells of every
// image are brought to; one of less than blankContrast is not brought to more.
const (
	normalContrast = 40
	blankContrast  = 4
)

func (c *coarse) set(bgr []byte) {
	const n = coarseSide * coarseSide
	var mean, square float32
	for i := range n {
		b, g, r := float32(bgr[3*i]), float32(bgr[3*i+1]), float32(bgr[3*i+2])
		sum := b + g + r
		c[i] = sum / 3
		c[n+i], c[2*n+i] = 255*(r-sum/3)/(sum+30), 255*(b-sum/3)/(sum+30)
		mean += c[i] / n
	}
	for i := range n {
		square += (c[i] - mean) * (c[i] - mean) / n
	}
	gain := normalContrast / float32(max(math.Sqrt(float64(square)), blankContrast))
	for i := range n {
		c[i] = (c[i] - mean) * gain
	}
}

// blur is the logarithm of the gradient's root mean square over the Laplacian's.
// Unlike either alone it does not depend on how much there is to see.
func blur(fine []byte, w, h int) float64 {
	at := func(i int) float64 { return float64(fine[i]) }
	var gradient, laplacian mean
	for y := border; y < h-border; y++ {
		for x := border; x < w-border; x++ {
			i := y*w + x
			gx, gy := (at(i+1)-at(i-1))/2, (at(i+w)-at(i-w))/2
			l := at(i+1) + at(i-1) + at(i+w) + at(i-w) - 4*at(i)
			gradient.add(gx*gx + gy*gy)
			laplacian.add(l * l)
		}
	}
	const rounding = 20. / 12 // of the smoothed image to 8 bits, as the Laplacian has it: squared levels
	const least = 0.2         // so that a blank image is neither blurred nor sharp
	return math.Log((gradient.value()+least)/(max(laplacian.value()-rounding, 0)+least)) / 2
}

// isGrey says whether the channels are equal but for rounding, all but a
// thousandth of the pixels.
func isGrey(bgr []byte) bool {
	n := 0
	for i := 0; i+2 < len(bgr); i += 3 {
		if max(bgr[i], bgr[i+1], bgr[i+2])-min(bgr[i], bgr[i+1], bgr[i+2]) > 2 {
			n++
		}
	}
	return 1000*n <= len(bgr)/3
}
