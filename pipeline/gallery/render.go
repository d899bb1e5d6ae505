package gallery

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"

	"gocv.io/x/gocv"
)

// Kind is one of the views of a verdict.
type Kind int

// The views.
const (
	Thumb    Kind = iota // JPEG, thumbWidth wide
	Whole                // JPEG of the camera picture, wholeWidth wide at most
	Restored             // JPEG of the restoration at the model's size
	Map                  // PNG, transparent where nothing is, at the model's size
	Original             // PNG of the camera picture, without loss
)

var kindFiles = [...]string{Thumb: "thumb.jpg", Whole: "picture.jpg", Restored: "restored.jpg", Map: "map.png", Original: "picture.png"}

// File is the view's name in the archive.
func (k Kind) File() string { return kindFiles[k] }

const (
	thumbWidth   = 320
	thumbQuality = 80
	wholeWidth   = 1600
	jpegQuality  = 88
	// pngLevel is zlib's fastest: cameras' noise does not get smaller by more.
	pngLevel = 1
)

// render gives the view's bytes; it makes them at most once.
func (e *exhibit) render(kind Kind) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if data, ok := e.rendered[kind]; ok {
		return data, nil
	}
	data, err := e.draw(kind)
	if err != nil {
		return nil, err
	}
	e.rendered[kind] = data
	return data, nil
}

func (e *exhibit) draw(kind Kind) ([]byte, error) {
	switch kind {
	case Thumb:
		return small(e.frame.Picture, thumbWidth, thumbQuality)
	case Whole:
		return small(e.frame.Picture, wholeWidth, jpegQuality)
	case Original:
		return encode(gocv.PNGFileExt, e.frame.Picture, []int{gocv.IMWritePngCompression, pngLevel})
	}
	switch {
	case kind == Restored && e.view.Restored:
		return restored(e.planes, e.restoredW, e.restoredH)
	case kind == Map && e.view.Judged:
	default:
		return nil, ErrNone
	}
	return heat(e.heat, e.w, e.h, level(e.verdict))
}

// small is a JPEG of the picture, at most so wide.
func small(picture gocv.Mat, width, quality int) ([]byte, error) {
	if picture.Cols() > width {
		m, err := reduced(picture, width)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		picture = m
	}
	return eightBit(picture, func(m gocv.Mat) ([]byte, error) { return jpeg(m, quality) })
}

// eightBit hands a picture on in 8 bits; see inspect on the scale of 16.
func eightBit(picture gocv.Mat, use func(gocv.Mat) ([]byte, error)) ([]byte, error) {
	const depth = 7 // the part of an OpenCV type that says what a number is
	if picture.Type()&depth != gocv.MatTypeCV16U {
		return use(picture)
	}
	small := gocv.NewMat()
	defer small.Close()
	if err := picture.ConvertToWithParams(&small, picture.Type()&^depth|gocv.MatTypeCV8U, 1.0/257, 0); err != nil {
		return nil, fmt.Errorf("16 to 8 bits: %w", err)
	}
	return use(small)
}

func jpeg(picture gocv.Mat, quality int) ([]byte, error) {
	return encode(gocv.JPEGFileExt, picture, []int{gocv.IMWriteJpegQuality, quality})
}

func encode(ext gocv.FileExt, picture gocv.Mat, params []int) ([]byte, error) {
	buffer, err := gocv.IMEncodeWithParams(ext, picture, params)
	if err != nil {
		return nil, fmt.Errorf("encode a picture as %s: %w", ext, err)
	}
	defer buffer.Close()
	return bytes.Clone(buffer.GetBytes()), nil
}

// restored draws [3,h,w] BGR planes of 0..1.
func restored(planes []float32, w, h int) ([]byte, error) {
	pixels, n := make([]byte, 3*w*h), w*h
	for c := range 3 {
		for i, v := range planes[c*n : (c+1)*n] {
			pixels[3*i+c] = byte(min(max(v, 0), 1)*255 + 0.5)
		}
	}
	m, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return nil, fmt.Errorf("restoration: %w", err)
	}
	data, err := jpeg(m, jpegQuality)
	return data, errors.Join(err, m.Close())
}

// heat draws a map for laying over the picture: clear where it is 0, opaque at
// twice the level.
func heat(values []float32, w, h int, level float64) ([]byte, error) {
	if !(level > 0) {
		level = 1
	}
	picture := image.NewPaletted(image.Rect(0, 0, w, h), palette)
	scale := float32(255 / (2 * level))
	for i, v := range values {
		picture.Pix[i] = byte(min(max(v*scale+0.5, 0), 255))
	}
	var out bytes.Buffer
	if err := encoder.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return out.Bytes(), nil
}

var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: new(buffers)}

// buffers lets the encoder use its memory again.
type buffers struct{ sync.Pool }

func (b *buffers) Get() *png.EncoderBuffer {
	e, _ := b.Pool.Get().(*png.EncoderBuffer)
	return e
}

func (b *buffers) Put(e *png.EncoderBuffer) { b.Pool.Put(e) }

// palette goes from clear violet over magenta, where regions begin, to yellow:
// it grows lighter all the way, so that it reads without seeing its colours.
var palette = func() color.Palette {
	stops := []struct{ at, r, g, b, a float64 }{
		{0, 60, 20, 140, 0}, {0.25, 110, 20, 150, 60}, {0.5, 225, 40, 130, 165}, {0.75, 255, 140, 60, 210}, {1, 255, 236, 90, 235},
	}
	p := make(color.Palette, 256)
	k := 0
	for i := range p {
		x := float64(i) / 255
		for x > stops[k+1].at {
			k++
		}
		from, to := stops[k], stops[k+1]
		t := (x - from.at) / (to.at - from.at)
		mix := func(a, b float64) uint8 { return uint8(math.Round(a + t*(b-a))) }
		p[i] = color.NRGBA{mix(from.r, to.r), mix(from.g, to.g), mix(from.b, to.b), mix(from.a, to.a)}
	}
	return p
}()
