// Command geometry draws the picture of docs/geometry.md: a part that lies off
// its place, the region that follows it, the picture that is inspected, and the
// map of its tiles over the camera's picture.
//
//	go run ./bench/geometry -out docs/images/geometry.jpg
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/inspect/geometry"
	"faird/model"
	"faird/model/demo"
)

const cell, gap = 400, 12

var (
	background = gocv.NewScalar(32, 28, 24, 0)
	before     = color.RGBA{R: 190, G: 190, B: 190, A: 255}
	after      = color.RGBA{R: 60, G: 200, B: 90, A: 255}
	defective  = color.RGBA{R: 255, G: 140, B: 40, A: 255}

	off  = geometry.Point{X: 34, Y: -26}
	roi  = config.Rect{X: 104, Y: 152, W: 400, H: 400}
	mark = config.Rect{X: 224, Y: 272, W: 160, H: 160}
)

const turned = 25 // degrees

func main() {
	out := flag.String("out", "docs/images/geometry.jpg", "file to write")
	library := flag.String("library", "", "ONNX Runtime library")
	flag.Parse()
	if err := run(*out, *library); err != nil {
		fmt.Fprintln(os.Stderr, "geometry:", err)
		os.Exit(1)
	}
}

func run(out, library string) error {
	l := line.New(line.Options{Seed: 5, Defects: 0.5})
	defer l.Close()
	part, reference := gocv.NewMat(), gocv.NewMat()
	defer part.Close()
	defer reference.Close()
	l.Render(0, &reference)
	for n := uint64(1); l.Render(n, &part).Kind != "colour"; n++ {
		if n > 2000 {
			return errors.New("no such defect among 2000 frames")
		}
	}
	moved, err := shifted(part)
	if err != nil {
		return err
	}
	defer moved.Close()
	page := gocv.NewMatWithSizeFromScalar(background, cell+2*gap, 3*cell+4*gap, gocv.MatTypeCV8UC3)
	defer page.Close()
	align, err := saved(reference)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(align.Reference))
	if err := errors.Join(drawView(&page, moved, align), drawTiles(&page, moved, library)); err != nil {
		return err
	}
	if !gocv.IMWriteWithParams(out, page, []int{gocv.IMWriteJpegQuality, 86}) {
		return fmt.Errorf("%s could not be written", out)
	}
	return nil
}

func saved(reference gocv.Mat) (*config.Align, error) {
	dir, err := os.MkdirTemp("", "geometry")
	if err != nil {
		return nil, err
	}
	a := &config.Align{Reference: filepath.Join(dir, "reference.png"), Mark: mark, Search: 60, MinMatch: 0.5}
	if !gocv.IMWrite(a.Reference, reference) {
		return nil, fmt.Errorf("%s could not be written", a.Reference)
	}
	return a, nil
}

// shifted is the picture of a part that lies off its place.
func shifted(part gocv.Mat) (gocv.Mat, error) {
	matrix := gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer matrix.Close()
	for i, v := range []float64{1, 0, off.X, 0, 1, off.Y} {
		matrix.SetDoubleAt(i/3, i%3, v)
	}
	out := gocv.NewMat()
	return out, gocv.WarpAffineWithParams(part, &out, matrix, image.Pt(part.Cols(), part.Rows()), gocv.InterpolationLinear, gocv.BorderReflect, color.RGBA{})
}

// drawView draws the camera's picture with the region as it follows the part,
// and what is inspected.
func drawView(page *gocv.Mat, moved gocv.Mat, a *config.Align) error {
	v, err := inspect.NewViewer(inspect.Options{ROI: &roi, Rotate: turned, Align: a})
	if err != nil {
		return err
	}
	defer v.Close()
	s, err := v.See(moved)
	if err != nil {
		return err
	}
	defer s.Part.Close()
	canvas := moved.Clone()
	defer canvas.Close()
	found := s.Alignment.Shift
	at := rectangle(mark).Add(image.Pt(int(found.X+0.5), int(found.Y-0.5)))
	back := s.From.Inverse()
	w, h := float64(s.Part.Cols()), float64(s.Part.Rows())
	corners := []geometry.Point{back.At(geometry.Point{}), back.At(geometry.Point{X: w}), back.At(geometry.Point{X: w, Y: h}), back.At(geometry.Point{Y: h})}
	for i, c := range corners {
		d := corners[(i+1)%4]
		err = errors.Join(err, gocv.Line(&canvas, pixel(c), pixel(d), after, 4))
	}
	return errors.Join(err,
		gocv.Rectangle(&canvas, rectangle(roi), before, 2), gocv.Rectangle(&canvas, rectangle(mark), before, 2),
		gocv.Rectangle(&canvas, at, after, 4),
		gocv.ArrowedLine(&canvas, middle(rectangle(mark)), middle(at), after, 4),
		paste(page, canvas, 0), paste(page, s.Part, 1))
}

// drawTiles draws the map that the tiles make up over the camera's picture, and
// the tiles.
func drawTiles(page *gocv.Mat, moved gocv.Mat, library string) error {
	f, err := model.Parse(demo.Model())
	if err != nil {
		return err
	}
	m, err := inspect.Open(f, config.Infer{Provider: "cpu", Library: library}, zerolog.Nop())
	if err != nil {
		return err
	}
	defer m.Close()
	tiles := config.Tiles{W: 256, H: 256, Overlap: 64}
	i, err := m.NewInspector(inspect.Options{Tiles: &tiles})
	if err != nil {
		return err
	}
	defer i.Close()
	var r inspect.Result
	if err := i.Inspect(context.Background(), moved, nil, &r); err != nil {
		return err
	}
	level := 0.6 * r.Score // the model was calibrated for another view
	if err := i.Inspect(context.Background(), moved, &level, &r); err != nil {
		return err
	}
	canvas := moved.Clone()
	defer canvas.Close()
	if err := i.PaintMap(&canvas, &r.Score); err != nil {
		return err
	}
	grid, err := geometry.NewGrid(image.Pt(moved.Cols(), moved.Rows()), image.Pt(tiles.W, tiles.H), image.Pt(128, 128), tiles.Overlap)
	if err != nil {
		return err
	}
	for n := range grid.Tiles() {
		err = errors.Join(err, gocv.Rectangle(&canvas, grid.Tile(n).Inset(1), before, 2))
	}
	if len(r.Regions) > 0 {
		g := r.Regions[0]
		err = errors.Join(err, gocv.Rectangle(&canvas, image.Rect(g.X, g.Y, g.X+g.W, g.Y+g.H), defective, 4))
	}
	return errors.Join(err, paste(page, canvas, 2))
}

func rectangle(r config.Rect) image.Rectangle { return image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H) }

func middle(r image.Rectangle) image.Point { return r.Min.Add(r.Max).Div(2) }

func pixel(p geometry.Point) image.Point { return image.Pt(int(p.X), int(p.Y)) }

// paste scales a picture to a cell of the page.
func paste(page *gocv.Mat, p gocv.Mat, column int) error {
	x := gap + column*(cell+gap)
	view := page.Region(image.Rect(x, gap, x+cell, gap+cell))
	defer view.Close()
	small := gocv.NewMat()
	defer small.Close()
	return errors.Join(gocv.Resize(p, &small, image.Pt(cell, cell), 0, 0, gocv.InterpolationArea), small.CopyTo(&view))
}
