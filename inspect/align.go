package inspect

import (
	"errors"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect/geometry"
	"faird/inspect/validity"
	"faird/verdict"
)

// Alignment is where a part was found.
type Alignment struct {
	Shift geometry.Point // camera pixels from its place in the reference, to a fraction of one
	Match float64        // correlation with the mark, at most 1
}

// Aligner finds a part by a mark on it. It owns its buffers and is for one
// goroutine.
type Aligner struct {
	place   image.Rectangle // of the mark in the reference
	size    image.Point     // of the reference, and of every picture
	search  int             // farthest shift in camera pixels
	least   float64         // least correlation
	mark    gocv.Mat        // [h,w], 8-bit grey
	depth   gocv.Mat        // 16-bit pictures, in 8 bits
	window  gocv.Mat        // where the mark is looked for, 8-bit grey
	matches gocv.Mat        // CV_32F, one for each place of the mark in the window
	none    gocv.Mat        // no mask
	mean    gocv.Mat
	spread  gocv.Mat
}

// NewAligner reads the reference, of at most maxPixels pixels. It is an error where
// the mark could not be found again, or not for certain.
func NewAligner(c config.Align, maxPixels int) (*Aligner, error) {
	reference, err := ReadPicture(c.Reference, maxPixels)
	if err != nil {
		return nil, fmt.Errorf("align: reference: %w", err)
	}
	defer reference.Close()
	a := &Aligner{
		place: rectangle(c.Mark), size: image.Pt(reference.Cols(), reference.Rows()), search: c.Search, least: c.MinMatch,
		mark: gocv.NewMat(), depth: gocv.NewMat(), window: gocv.NewMat(), matches: gocv.NewMat(), none: gocv.NewMat(),
		mean: gocv.NewMat(), spread: gocv.NewMat(),
	}
	if err := a.learn(reference); err != nil {
		return nil, errors.Join(fmt.Errorf("align: mark in %s: %w", c.Reference, err), a.Close())
	}
	return a, nil
}

func (a *Aligner) learn(reference gocv.Mat) error {
	if !a.place.In(image.Rectangle{Max: a.size}) || a.place.Empty() {
		return fmt.Errorf("it ends at %d, %d, the picture has %dx%d pixels", a.place.Max.X, a.place.Max.Y, a.size.X, a.size.Y)
	}
	if a.search < 1 {
		return fmt.Errorf("it is searched %d pixels far: must be 1 at least", a.search)
	}
	if err := a.grey(reference, a.place, &a.mark); err != nil {
		return err
	}
	if d, err := a.deviation(a.mark); err != nil || d < config.FlatMark {
		return errors.Join(err, fmt.Errorf("it is flat: its standard deviation is %.1f of 255 grey levels, %g is needed: choose a place that stands out", d, config.FlatMark))
	}
	return a.unique(reference)
}

// alike is the correlation from which two places cannot be told apart.
const alike = 0.9

// unique refuses a mark that looks the same elsewhere in reach, as a straight
// edge does, or one of a row of holes.
func (a *Aligner) unique(reference gocv.Mat) error {
	corner, err := a.match(reference)
	if err != nil {
		return err
	}
	at := a.place.Min.Sub(corner)
	near := max(4, min(a.place.Dx(), a.place.Dy())/4)
	for y := range a.matches.Rows() {
		for x := range a.matches.Cols() {
			if v := a.matches.GetFloatAt(y, x); v >= alike && max(abs(x-at.X), abs(y-at.Y)) > near {
				return fmt.Errorf("it looks the same %d, %d pixels away (match %.2f): choose one with a corner, that does not repeat within search", x-at.X, y-at.Y, v)
			}
		}
	}
	return nil
}

func abs(v int) int { return max(v, -v) }

// Find looks for the mark. Errors about the picture wrap ErrPicture; where the
// mark is not there, or too far off, they wrap a *validity.Fault too.
func (a *Aligner) Find(picture gocv.Mat) (Alignment, error) {
	if picture.Closed() || picture.Empty() {
		return Alignment{}, fmt.Errorf("%w: it is empty", ErrPicture)
	}
	if size := image.Pt(picture.Cols(), picture.Rows()); size != a.size {
		return Alignment{}, fmt.Errorf("%w: it is %dx%d, the reference for alignment %dx%d", ErrPicture, size.X, size.Y, a.size.X, a.size.Y)
	}
	corner, err := a.match(picture)
	if err != nil {
		return Alignment{}, err
	}
	_, peak, _, at := gocv.MinMaxLoc(a.matches)
	x, y := a.refine(at)
	off := corner.Sub(a.place.Min)
	found := Alignment{Shift: geometry.Point{X: x + float64(off.X), Y: y + float64(off.Y)}, Match: math.Min(float64(peak), 1)}
	if found.Match, err = a.trusted(at, found.Match); err != nil {
		return found, err
	}
	return found, a.judge(found)
}

// judge says what is wrong with where the mark was found.
func (a *Aligner) judge(found Alignment) error {
	far := math.Max(math.Abs(found.Shift.X), math.Abs(found.Shift.Y))
	switch {
	case !(found.Match >= a.least):
		return fmt.Errorf("%w: the reference mark is not there, what is most like it lies %.1f, %.1f pixels off: %w", ErrPicture,
			found.Shift.X, found.Shift.Y, &validity.Fault{Fault: verdict.NewFault(verdict.Mark, found.Match, a.least)})
	case far >= float64(a.search)+0.5: // what is nearer rounds to a pixel within reach
		return fmt.Errorf("%w: the part lies %.1f, %.1f pixels off its place, or farther: %w", ErrPicture,
			found.Shift.X, found.Shift.Y, &validity.Fault{Fault: verdict.NewFault(verdict.Shift, far, float64(a.search))})
	}
	return nil
}

// match compares the mark with every place within reach, and one pixel more, so
// that a shift beyond the limit shows as such. corner is the window's.
func (a *Aligner) match(picture gocv.Mat) (corner image.Point, err error) {
	reach := a.place.Inset(-a.search - 1).Intersect(image.Rectangle{Max: a.size})
	if err := a.grey(picture, reach, &a.window); err != nil {
		return corner, err
	}
	if err := gocv.MatchTemplate(a.window, a.mark, &a.matches, gocv.TmCcoeffNormed, a.none); err != nil {
		return corner, fmt.Errorf("alignment: %w", err)
	}
	return reach.Min, nil
}

// refine is the peak to a fraction of a pixel: the top of a parabola through it
// and its two neighbours, each way.
func (a *Aligner) refine(at image.Point) (x, y float64) {
	x, y = float64(at.X), float64(at.Y)
	value := func(dx, dy int) float64 { return float64(a.matches.GetFloatAt(at.Y+dy, at.X+dx)) }
	if at.X > 0 && at.X < a.matches.Cols()-1 {
		x += top(value(-1, 0), value(0, 0), value(1, 0))
	}
	if at.Y > 0 && at.Y < a.matches.Rows()-1 {
		y += top(value(0, -1), value(0, 0), value(0, 1))
	}
	return x, y
}

// top is where the parabola through (-1, l), (0, m), (1, r) is highest, m being
// the largest of the three: within half of 0.
func top(l, m, r float64) float64 {
	bend := l - 2*m + r
	if bend >= 0 {
		return 0
	}
	return math.Min(math.Max((l-r)/(2*bend), -0.5), 0.5)
}

// trusted is the match, or nought where the picture shows nothing at that
// place: rounding alone then makes the correlation.
func (a *Aligner) trusted(at image.Point, match float64) (float64, error) {
	part := a.window.Region(image.Rectangle{Min: at, Max: at.Add(a.place.Size())})
	defer part.Close()
	d, err := a.deviation(part)
	if d < 1 || math.IsNaN(match) || math.IsInf(match, 0) {
		match = 0
	}
	return match, err
}

// grey is a part of a picture in 8-bit grey.
func (a *Aligner) grey(picture gocv.Mat, part image.Rectangle, into *gocv.Mat) error {
	view := picture.Region(part)
	defer view.Close()
	narrow, err := eightBits(view, &a.depth)
	if err != nil {
		return err
	}
	if narrow.Channels() == 3 {
		return gocv.CvtColor(narrow, into, gocv.ColorBGRToGray)
	}
	return narrow.CopyTo(into)
}

// deviation is the standard deviation of grey levels.
func (a *Aligner) deviation(grey gocv.Mat) (float64, error) {
	if err := gocv.MeanStdDev(grey, &a.mean, &a.spread); err != nil {
		return 0, fmt.Errorf("alignment: %w", err)
	}
	return a.spread.GetDoubleAt(0, 0), nil
}

// Close frees the buffers.
func (a *Aligner) Close() error {
	return errors.Join(a.mark.Close(), a.depth.Close(), a.window.Close(), a.matches.Close(), a.none.Close(), a.mean.Close(), a.spread.Close())
}
