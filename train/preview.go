package train

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"

	"gocv.io/x/gocv"
)

// PreviewName is the contact sheet's file.
const PreviewName = "preview.png"

// rows of a contact sheet.
const previewRows = 12

var columns = []string{"target", "input", "high-pass", "mask"}

// heading is the height in pixels of the line above the columns.
const heading = 24

// Preview writes a contact sheet of the first samples that a training with
// these options would see into dir, and returns its path: what the network is
// to restore, what it gets, its high-pass, and where the two differ.
func Preview(ctx context.Context, o Options, dir string) (string, error) {
	if err := o.checkSamples(); err != nil {
		return "", err
	}
	m, err := gather(ctx, o, func(Progress) {})
	if err != nil {
		return "", err
	}
	return m.preview(dir)
}

func (m *material) preview(dir string) (string, error) {
	s, err := newSampler(m.source)
	if err != nil {
		return "", err
	}
	sheet := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 255, 255, 0),
		heading+previewRows*m.h, len(columns)*m.w, gocv.MatTypeCV8UC3)
	defer sheet.Close()
	if err := errors.Join(s.show(&sheet), s.close()); err != nil {
		return "", err
	}
	path := filepath.Join(dir, PreviewName)
	if !gocv.IMWrite(path, sheet) {
		return "", fmt.Errorf("preview: %s cannot be written: make the folder and see to free space", path)
	}
	return path, nil
}

// show draws samples on the sheet.
func (s *sampler) show(sheet *gocv.Mat) error {
	for i, name := range columns {
		if err := gocv.PutText(sheet, name, image.Pt(i*s.w+4, heading-8), gocv.FontHersheyPlain, 1, color.RGBA{}, 1); err != nil {
			return err
		}
	}
	pixels, err := sheet.DataPtrUint8()
	if err != nil {
		return err
	}
	x := make([]float32, s.filter.Channels()*s.h*s.w)
	y := make([]float32, 3*s.h*s.w)
	for row := range previewRows {
		if err := s.make(uint64(row), x, y); err != nil {
			return err
		}
		tiles := [][]byte{s.sample.Target, s.sample.Input, grey(visible(x[:s.h*s.w])), grey(s.sample.Mask)}
		for column, tile := range tiles {
			for line := range s.h {
				at := 3 * ((heading+row*s.h+line)*len(columns)*s.w + column*s.w)
				copy(pixels[at:at+3*s.w], tile[3*line*s.w:])
			}
		}
	}
	return nil
}

// visible maps a high-pass, around zero, to grey around 128.
func visible(x []float32) []byte {
	var most float64
	for _, v := range x {
		most = max(most, math.Abs(float64(v)))
	}
	out := make([]byte, len(x))
	for i, v := range x {
		out[i] = byte(128 + 127*float64(v)/math.Max(most, 1e-6))
	}
	return out
}

// grey repeats a plane to three channels.
func grey(plane []byte) []byte {
	out := make([]byte, 3*len(plane))
	for i, v := range plane {
		out[3*i], out[3*i+1], out[3*i+2] = v, v, v
	}
	return out
}
