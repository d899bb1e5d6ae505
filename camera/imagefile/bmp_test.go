package imagefile

import (
	"encoding/binary"
	"fmt"
	"testing"

	"gocv.io/x/gocv"

	"faird/verdict"
)

// bmpOf is a BMP with a header of 40 bytes. What lies between header and pixels are
// masks and palette; raster are the rows as they are stored.
func bmpOf(width, height, bits, compression int, between, raster []byte) []byte {
	le := binary.LittleEndian
	h := le.AppendUint32([]byte("BM"), uint32(54+len(between)+len(raster)))
	h = le.AppendUint32(le.AppendUint32(h, 0), uint32(54+len(between)))
	h = le.AppendUint32(le.AppendUint32(le.AppendUint32(h, 40), uint32(width)), uint32(height))
	h = le.AppendUint32(le.AppendUint16(le.AppendUint16(h, 1), uint16(bits)), uint32(compression))
	return join(h, make([]byte, 20), between, raster)
}

// bmpRaster are rows padded to four bytes, the last row first.
func bmpRaster(width, height, bits, n int, v func(x, y, c int) int) []byte {
	var out []byte
	for y := height - 1; y >= 0; y-- {
		row := packed(width, 1, bits, n, func(x, _, c int) int { return v(x, y, c) })[1:]
		out = append(out, append(row, make([]byte, (4-len(row)%4)%4)...)...)
	}
	return out
}

func bgr(v func(x, y, c int) int) func(x, y, c int) int {
	return func(x, y, c int) int { return v(x, y, 2-c) }
}

func TestBMP(t *testing.T) {
	for _, bits := range []int{1, 4, 8} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			v, colours := gradient(bits), make([]byte, 4<<bits)
			for i := range colours {
				colours[i] = byte(i * 31)
			}
			wantPixels(t, bmpOf(13, 11, bits, 0, colours, bmpRaster(13, 11, bits, 1, v)), func(x, y, c int) int { return int(colours[4*v(x, y, 0)+2-c]) })
		})
	}
	v := gradient(8)
	masks := func(b ...uint32) (out []byte) {
		for _, m := range b {
			out = binary.LittleEndian.AppendUint32(out, m)
		}
		return out
	}
	five := func(m int) func(x, y, c int) int {
		return func(x, y, c int) int { return (v(x, y, c)*2*m/255 + 1) / 2 }
	}
	rgb16 := func(x, y, _ int) int {
		w := five(31)(x, y, 0)<<11 | five(63)(x, y, 1)<<5 | five(31)(x, y, 2)
		return w<<8&0xff00 | w>>8
	}
	scaled := func(x, y, c int) int {
		m := []int{31, 63, 31}[c]
		return (2*255*five(m)(x, y, c) + m) / (2 * m)
	}
	top := bmpOf(13, -1, 24, 0, nil, bmpRaster(13, 1, 24/3, 3, bgr(v)))
	for name, c := range map[string]struct {
		data []byte
		want func(x, y, c int) int
	}{
		"24":           {bmpOf(13, 11, 24, 0, nil, bmpRaster(13, 11, 8, 3, bgr(v))), v},
		"top row only": {top, v},
		"gap":          {bmpOf(13, 11, 24, 0, make([]byte, 77), bmpRaster(13, 11, 8, 3, bgr(v))), v},
		"32": {bmpOf(13, 11, 32, 0, nil, bmpRaster(13, 11, 8, 4, func(x, y, c int) int {
			return v(x, y, (5-c)%3)
		})), v},
		"32 RGBA": {bmpOf(13, 11, 32, 3, masks(0xff, 0xff00, 0xff0000), bmpRaster(13, 11, 8, 4, v)), v},
		"565":     {bmpOf(13, 11, 16, 3, masks(0xf800, 0x7e0, 0x1f), bmpRaster(13, 11, 16, 1, rgb16)), scaled},
	} {
		t.Run(name, func(t *testing.T) { wantPixels(t, c.data, c.want) })
	}
}

func TestBMPPixelsAreThoseOfOpenCV(t *testing.T) {
	m := scene(t, 83, 61)
	got, _ := decoded(t, encode(t, ".bmp", m))
	same(t, got, m)
}

func TestBMPDamage(t *testing.T) {
	raster := bmpRaster(13, 11, 8, 3, gradient(8))
	wantFaults(t, map[string]faulty{
		"a byte less":   {bmpOf(13, 11, 24, 0, nil, raster[:len(raster)-1]), verdict.Incomplete},
		"a byte more":   {bmpOf(13, 11, 24, 0, nil, join(raster, []byte{0})), ""},
		"no palette":    {bmpOf(13, 11, 8, 0, nil, raster), verdict.Damaged},
		"short palette": {bmpOf(13, 11, 8, 0, make([]byte, 16), raster), verdict.Damaged},
		"no masks":      {bmpOf(13, 11, 16, 3, nil, raster), verdict.Damaged},
		"17 bits":       {bmpOf(13, 11, 17, 0, nil, raster), verdict.Damaged},
		"RLE":           {bmpOf(13, 11, 8, 1, make([]byte, 16), raster), ""},
		"no size":       {bmpOf(0, 11, 24, 0, nil, raster), verdict.Damaged},
		"lowest height": {bmpOf(13, -1<<31, 24, 0, nil, raster), verdict.TooLarge},
		"large":         {bmpOf(60000, 60000, 1, 0, make([]byte, 8), raster), verdict.TooLarge},
		"text":          {[]byte("BMW makes cars, and motorcycles too"), ""},
	})
}

func FuzzBMP(f *testing.F) {
	f.Add(bmpOf(13, 11, 24, 0, nil, bmpRaster(13, 11, 8, 3, gradient(8))))
	f.Add(bmpOf(13, 11, 4, 0, make([]byte, 64), bmpRaster(13, 11, 4, 1, gradient(4))))
	f.Add(bmpOf(13, 11, 16, 3, make([]byte, 12), bmpRaster(13, 11, 16, 1, gradient(16))))
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) {
		if !isBMP(data) {
			return Header{}, unsupported("no BMP")
		}
		return d.decodeBMP(data, dst)
	})
}
