package imagefile

import (
	"testing"

	"gocv.io/x/gocv"
)

// BenchmarkDecode is what an image costs from its bytes to the pixels of a frame.
// Allocations are those of the header's text, not of pixels.
func BenchmarkDecode(b *testing.B) {
	square, video := scene(b, 1000, 1000), scene(b, 1920, 1080)
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"JPEG 1080p", encode(b, gocv.JPEGFileExt, video)},
		{"PNG 1 MP", encode(b, gocv.PNGFileExt, square)},
		{"BMP 1 MP", encode(b, ".bmp", square)},
		{"TIFF 1 MP", encode(b, ".tif", square)},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, dst := NewDecoder(0), gocv.NewMat()
			defer d.Close()
			defer dst.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(c.data, &dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
