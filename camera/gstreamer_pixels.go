package camera

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/camera/gst"
)

// samples are how GStreamer's pixel formats lie in memory (gst/video/video-format.h).
var samples = map[string]layout{
	"BGR":       {kind: gocv.MatTypeCV8UC3, plain: true},
	"RGB":       {kind: gocv.MatTypeCV8UC3, colour: gocv.ColorRGBToBGR},
	"BGRx":      {kind: gocv.MatTypeCV8UC4, colour: gocv.ColorBGRAToBGR},
	"BGRA":      {kind: gocv.MatTypeCV8UC4, colour: gocv.ColorBGRAToBGR},
	"RGBx":      {kind: gocv.MatTypeCV8UC4, colour: gocv.ColorRGBAToBGR},
	"RGBA":      {kind: gocv.MatTypeCV8UC4, colour: gocv.ColorRGBAToBGR},
	"GRAY8":     {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorGrayToBGR},
	"GRAY16_LE": {kind: gocv.MatTypeCV16UC1, depth: 16, colour: gocv.ColorGrayToBGR},
}

// bytes of a pixel.
func (l layout) bytes() int {
	switch l.kind {
	case gocv.MatTypeCV8UC1:
		return 1
	case gocv.MatTypeCV8UC3:
		return 3
	case gocv.MatTypeCV8UC4:
		return 4
	}
	return 2
}

// row is the distance between the rows of a sample in bytes. GStreamer rounds them up
// to a multiple of four (gst-plugins-base, video-info.c); some sources do not. What is
// left after the last row says nothing: drivers fill up their buffers.
func (l layout) row(p gst.Picture) (int, bool) {
	packed := p.Width * l.bytes()
	padded := (packed + 3) &^ 3
	switch n := len(p.Pixels); {
	case p.Width < 1 || p.Height < 1:
		return 0, false
	case n >= padded*p.Height:
		return padded, true
	default:
		return packed, n == packed*p.Height
	}
}

// convertSample writes a sample as 8-bit BGR into dst.
func (x *pixels) convertSample(p gst.Picture, dst *gocv.Mat) error {
	l, ok := samples[p.Format]
	if !ok {
		return fmt.Errorf("the pipeline gives pixels of format %q: end it with videoconvert ! video/x-raw,format=BGR, or leave the appsink out", p.Format)
	}
	size := l.bytes()
	row, ok := l.row(p)
	if !ok {
		return fmt.Errorf("the pipeline gave %d bytes for %dx%d pixels of format %s", len(p.Pixels), p.Width, p.Height, p.Format)
	}
	if row == p.Width*size {
		return x.convertRows(p.Pixels[:row*p.Height], p.Width, p.Height, l, dst)
	}
	if size == 2 {
		all, err := gocv.NewMatFromBytes(p.Height, row/2, l.kind, p.Pixels[:row*p.Height])
		if err != nil {
			return err
		}
		defer all.Close()
		part := all.Region(image.Rect(0, 0, p.Width, p.Height))
		defer part.Close()
		return x.finish(part, l, dst)
	}
	all, err := gocv.NewMatFromBytes(p.Height, row, gocv.MatTypeCV8UC1, p.Pixels[:row*p.Height])
	if err != nil {
		return err
	}
	defer all.Close()
	part := all.Region(image.Rect(0, 0, p.Width*size, p.Height))
	defer part.Close()
	shaped := part.Reshape(size, 0)
	defer shaped.Close()
	return x.finish(shaped, l, dst)
}
