package inspect_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/inspect/geometry"
	"faird/inspect/validity"
	"faird/verdict"
)

// part is a picture of a part that lies off its place: a grey square with a
// cross on it for a mark, on a darker belt.
func part(t testing.TB, dx, dy int) gocv.Mat {
	t.Helper()
	p := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 60, 60, 0), 240, 300, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { _ = p.Close() })
	off := image.Pt(dx, dy)
	draw(t, &p, image.Rect(60, 50, 240, 190).Add(off), grey)
	draw(t, &p, image.Rect(90, 70, 94, 90).Add(off), color.RGBA{R: 200, G: 200, B: 200})
	draw(t, &p, image.Rect(80, 78, 104, 82).Add(off), color.RGBA{R: 200, G: 200, B: 200})
	return p
}

var crossMark = config.Rect{X: 74, Y: 62, W: 36, H: 36}

func reference(t testing.TB) config.Align {
	t.Helper()
	path := save(t, part(t, 0, 0), filepath.Join(t.TempDir(), "reference.png"))
	return config.Align{Reference: path, Mark: crossMark, Search: 15, MinMatch: 0.6}
}

func aligner(t testing.TB, c config.Align) *inspect.Aligner {
	t.Helper()
	a, err := inspect.NewAligner(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// moved is a picture shifted by a fraction of pixels too.
func moved(t testing.TB, picture gocv.Mat, dx, dy float64) gocv.Mat {
	t.Helper()
	matrix := gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer matrix.Close()
	for n, v := range []float64{1, 0, dx, 0, 1, dy} {
		matrix.SetDoubleAt(n/3, n%3, v)
	}
	out := gocv.NewMat()
	t.Cleanup(func() { _ = out.Close() })
	if err := gocv.WarpAffineWithParams(picture, &out, matrix, image.Pt(picture.Cols(), picture.Rows()), gocv.InterpolationCubic, gocv.BorderReplicate, color.RGBA{}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestShiftIsFound(t *testing.T) {
	a := aligner(t, reference(t))
	for _, c := range []struct{ dx, dy float64 }{{0, 0}, {10, 0}, {-15, 15}, {3, -8}, {0.5, 0}, {2.25, -3.75}, {-9.6, 0.3}} {
		found, err := a.Find(moved(t, part(t, 0, 0), c.dx, c.dy))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if math.Abs(found.Shift.X-c.dx) > 0.15 || math.Abs(found.Shift.Y-c.dy) > 0.15 || found.Match < 0.95 {
			t.Errorf("%+v: found %+v", c, found)
		}
	}
}

// Another light does not hide the mark; 16 bits and grey are found too.
func TestShiftUnderAnotherLight(t *testing.T) {
	a := aligner(t, reference(t))
	p := part(t, 6, -4)
	dim, deep, mono := gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	defer dim.Close()
	defer deep.Close()
	defer mono.Close()
	if err := errors.Join(p.ConvertToWithParams(&dim, gocv.MatTypeCV8UC3, 0.5, 30), dim.ConvertToWithParams(&deep, gocv.MatTypeCV16UC3, 257, 0), gocv.CvtColor(dim, &mono, gocv.ColorBGRToGray)); err != nil {
		t.Fatal(err)
	}
	for name, picture := range map[string]gocv.Mat{"dim": dim, "16 bits": deep, "grey": mono} {
		if found, err := a.Find(picture); err != nil || found.Shift != (geometry.Point{X: 6, Y: -4}) && math.Hypot(found.Shift.X-6, found.Shift.Y+4) > 0.05 {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func TestAlignmentRefusesPictures(t *testing.T) {
	a := aligner(t, reference(t))
	for _, c := range []struct {
		name    string
		picture gocv.Mat
		check   verdict.Check
		says    string
	}{
		{"too far", part(t, 16, 3), verdict.Shift, "the part lies 16.0, 3.0 pixels off its place"},
		{"much too far", part(t, 0, 40), verdict.Mark, "the reference mark is not there"},
		{"no part", canvas(t, 300, 240, gocv.MatTypeCV8UC3), verdict.Mark, "below the limit 0.6"},
		{"noise", noisy(t, 300, 240), verdict.Mark, "the reference mark is not there"},
		{"size", canvas(t, 301, 240, gocv.MatTypeCV8UC3), "", "it is 301x240, the reference for alignment 300x240"},
		{"empty", gocv.NewMat(), "", "empty"},
		{"type", canvas(t, 300, 240, gocv.MatTypeCV8UC4), "", "CV8UC4"},
	} {
		_, err := a.Find(c.picture)
		if !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
		var fault *validity.Fault
		if errors.As(err, &fault) != (c.check != "") || fault != nil && fault.Check != c.check {
			t.Errorf("%s: fault %+v", c.name, fault)
		}
	}
}

func TestAlignerRefused(t *testing.T) {
	row := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	for x := 20; x < 280; x += 12 {
		draw(t, &row, image.Rect(x, 70, x+6, 90), white)
	}
	edge := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	draw(t, &edge, image.Rect(0, 0, 300, 80), white)
	if _, err := inspect.NewAligner(reference(t), 1000); !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "max_pixels") {
		t.Errorf("beyond the limit: %v", err)
	}
	for _, c := range []struct {
		name, says string
		change     func(*config.Align)
	}{
		{"missing", "reference", func(a *config.Align) { a.Reference = "none.png" }},
		{"flat", "flat: its standard deviation is 0.0", func(a *config.Align) { a.Mark = config.Rect{X: 150, Y: 100, W: 40, H: 40} }},
		{"beyond", "ends at 310, 40", func(a *config.Align) { a.Mark = config.Rect{X: 280, Y: 10, W: 30, H: 30} }},
		{"repeats", "looks the same", func(a *config.Align) { a.Reference = save(t, row, filepath.Join(t.TempDir(), "row.png")) }},
		{"straight edge", "looks the same", func(a *config.Align) { a.Reference = save(t, edge, filepath.Join(t.TempDir(), "edge.png")) }},
		{"no search", "searched 0 pixels", func(a *config.Align) { a.Search = 0 }},
	} {
		a := reference(t)
		c.change(&a)
		got, err := inspect.NewAligner(a, 0)
		if err == nil {
			_ = got.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), a.Reference) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// A part off its place is judged as one in it, its defect where it really is.
func TestAlignedInspection(t *testing.T) {
	m := greyModel(t)
	align := reference(t)
	o := inspect.Options{ROI: &config.Rect{X: 115, Y: 70, W: 100, H: 100}, Rotate: 90, Align: &align}
	i := inspector(t, m, o)
	defect := image.Rect(150, 110, 162, 120)
	place := func(dx, dy int) gocv.Mat {
		p := part(t, dx, dy)
		draw(t, &p, defect.Add(image.Pt(dx, dy)), white)
		return p
	}
	want := judge(t, i, place(0, 0), at(0.1))
	for _, off := range []image.Point{{X: 10}, {X: -7, Y: 12}, {X: 15, Y: -15}} {
		r := judge(t, i, place(off.X, off.Y), at(0.1))
		if math.Abs(r.Score-want.Score) > 0.01*want.Score || len(r.Regions) != 1 {
			t.Errorf("%v off: score %v, in place %v; %d regions", off, r.Score, want.Score, len(r.Regions))
			continue
		}
		d := defect.Add(off)
		if got := box(r.Regions[0]); !d.In(got) || !got.In(d.Inset(-12)) {
			t.Errorf("%v off: region %v, the defect %v", off, got, d)
		}
		if a := r.Alignment; a == nil || math.Hypot(a.Shift.X-float64(off.X), a.Shift.Y-float64(off.Y)) > 0.1 {
			t.Errorf("%v off: alignment %+v", off, a)
		}
	}
	if want.Alignment == nil {
		t.Error("in place: no alignment is told")
	}
}

func TestAlignedRegionBeyondThePicture(t *testing.T) {
	align := reference(t)
	i := inspector(t, greyModel(t), inspect.Options{ROI: &config.Rect{X: 190, Y: 60, W: 100, H: 100}, Align: &align})
	var r inspect.Result
	err := i.Inspect(context.Background(), part(t, 12, 0), nil, &r)
	if !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "the part lies 12, 0 pixels off its place") || !strings.Contains(err.Error(), "beyond a picture of 300x240") {
		t.Errorf("got %v", err)
	}
}
