package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"faird/camera/line"

	"gocv.io/x/gocv"
)

const (
	columns = 4
	rows    = 3
	cell    = 300 // pixels a side
)

// writeSheet puts the first good frames and the first defects of every kind on
// one labelled page.
func writeSheet(path string, seed uint64) error {
	l := line.New(line.Options{Seed: seed, Defects: 0.5})
	defer l.Close()
	page := gocv.NewMatWithSize(rows*cell, columns*cell, gocv.MatTypeCV8UC3)
	defer page.Close()
	frame, small := gocv.NewMat(), gocv.NewMat()
	defer frame.Close()
	defer small.Close()
	want := append([]string{"", "", ""}, append(append([]string{}, line.Kinds...), "scratch", "dent", "stain", "missing")...)
	used := map[uint64]bool{}
	for i, kind := range want[:columns*rows] {
		for n := uint64(0); ; n++ {
			if n > 2000 {
				return fmt.Errorf("no frame of kind %q among 2000", kind)
			}
			if used[n] {
				continue
			}
			if truth := l.Render(n, &frame); truth.Kind == kind {
				used[n] = true
				if err := draw(&page, frame, &small, i, truth); err != nil {
					return err
				}
				break
			}
		}
	}
	if !gocv.IMWriteWithParams(path, page, []int{gocv.IMWriteJpegQuality, 88}) {
		return fmt.Errorf("write %s: does the folder exist?", path)
	}
	return nil
}

func draw(page *gocv.Mat, frame gocv.Mat, small *gocv.Mat, i int, truth line.Truth) error {
	white, red := color.RGBA{R: 255, G: 255, B: 255, A: 255}, color.RGBA{R: 255, G: 80, B: 60, A: 255}
	label, colour := "good", white
	var err error
	if truth.Defective {
		label, colour = fmt.Sprintf("%s %.1f%%", truth.Kind, 100*truth.AreaShare), red
		err = gocv.Rectangle(&frame, truth.Region.Inset(-8), red, 2)
	}
	err = errors.Join(err,
		gocv.Resize(frame, small, image.Pt(cell, cell), 0, 0, gocv.InterpolationArea),
		gocv.PutText(small, label, image.Pt(8, 20), gocv.FontHersheySimplex, 0.55, colour, 1))
	corner := image.Pt(i%columns*cell, i/columns*cell)
	view := page.Region(image.Rectangle{corner, corner.Add(image.Pt(cell, cell))})
	defer view.Close()
	return errors.Join(err, small.CopyTo(&view))
}
