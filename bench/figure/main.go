// Command figure draws the README's picture: parts of the simulated line as the
// camera sees them, as the network restores them, and where they differ, with
// the verdict of the built-in model.
//
//	go run ./bench/figure -out docs/images/demo.png
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"os"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/model/demo"
	"faird/verdict"
)

const (
	cell    = 256
	gap     = 10
	caption = 34
)

var (
	background = color.RGBA{R: 24, G: 28, B: 32, A: 255}
	text       = color.RGBA{R: 225, G: 228, B: 230, A: 255}
	colours    = map[verdict.Kind]color.RGBA{
		verdict.Pass: {R: 60, G: 170, B: 255, A: 255},
		verdict.Fail: {R: 255, G: 140, B: 40, A: 255},
	}
)

func main() {
	out := flag.String("out", "docs/images/demo.png", "file to write")
	library := flag.String("library", "", "ONNX Runtime library")
	seed := flag.Uint64("seed", 3, "seed of the simulated line")
	flag.Parse()
	if err := run(*out, *library, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "figure:", err)
		os.Exit(1)
	}
}

func run(out, library string, seed uint64) error {
	f, err := model.Parse(demo.Model())
	if err != nil {
		return err
	}
	m, err := inspect.Open(f, config.Infer{Provider: "cpu", Library: library}, zerolog.Nop())
	if err != nil {
		return err
	}
	defer m.Close()
	i, err := m.NewInspector(inspect.Options{ROI: &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()}})
	if err != nil {
		return err
	}
	defer i.Close()
	kinds := append([]string{""}, line.Kinds...)
	page := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(background.B), float64(background.G), float64(background.R), 0),
		3*(cell+gap)+2*caption, len(kinds)*(cell+gap)+gap, gocv.MatTypeCV8UC3)
	defer page.Close()
	l := line.New(line.Options{Seed: seed, Defects: 0.5})
	defer l.Close()
	for column, kind := range kinds {
		if err := drawColumn(&page, l, i, f.Calibration.Threshold, column, kind); err != nil {
			return err
		}
	}
	if !gocv.IMWriteWithParams(out, page, []int{gocv.IMWritePngCompression, 9}) {
		return fmt.Errorf("%s could not be written", out)
	}
	return nil
}

// drawColumn draws the first frame of a kind: camera, restoration, map.
func drawColumn(page *gocv.Mat, l *line.Line, i *inspect.Inspector, threshold float64, column int, kind string) error {
	frame := gocv.NewMat()
	defer frame.Close()
	for n := uint64(0); l.Render(n, &frame).Kind != kind; n++ {
		if n > 2000 {
			return fmt.Errorf("no frame of kind %q among 2000", kind)
		}
	}
	var r inspect.Result
	if err := i.Inspect(context.Background(), frame, &threshold, &r); err != nil {
		return err
	}
	judged := verdict.Judge(r.Score, threshold, nil)
	restored, err := picture(i.Restored())
	if err != nil {
		return err
	}
	defer restored.Close()
	png, err := i.MapPicture(&threshold)
	if err != nil {
		return err
	}
	overlay, err := gocv.IMDecode(png, gocv.IMReadColor)
	if err != nil {
		return err
	}
	defer overlay.Close()
	for _, g := range r.Regions {
		err = errors.Join(err, gocv.Rectangle(&frame, image.Rect(g.X, g.Y, g.X+g.W, g.Y+g.H), colours[verdict.Fail], 3))
	}
	x := gap + column*(cell+gap)
	title := "good part"
	if kind != "" {
		title = kind
	}
	return errors.Join(err,
		gocv.PutText(page, title, image.Pt(x, 24), gocv.FontHersheySimplex, 0.65, text, 1),
		paste(page, frame, x, caption),
		paste(page, restored, x, caption+cell+gap),
		paste(page, overlay, x, caption+2*(cell+gap)),
		gocv.PutText(page, fmt.Sprintf("%s  %.3f", judged, r.Score), image.Pt(x, 3*(cell+gap)+caption+18), gocv.FontHersheySimplex, 0.65, colours[judged], 2))
}

// paste scales a picture to a cell of the page.
func paste(page *gocv.Mat, p gocv.Mat, x, y int) error {
	view := page.Region(image.Rect(x, y, x+cell, y+cell))
	defer view.Close()
	small := gocv.NewMat()
	defer small.Close()
	return errors.Join(gocv.Resize(p, &small, image.Pt(cell, cell), 0, 0, gocv.InterpolationArea), small.CopyTo(&view))
}

// picture makes an 8-bit picture of a restoration, [3,h,w] BGR, clipped.
func picture(restored []float32) (gocv.Mat, error) {
	n := len(restored) / 3
	pixels := make([]byte, len(restored))
	for k := range restored {
		pixels[k%n*3+k/n] = byte(min(max(restored[k], 0), 1)*255 + 0.5)
	}
	side := 1
	for side*side < n {
		side++
	}
	return gocv.NewMatFromBytes(side, side, gocv.MatTypeCV8UC3, pixels)
}
