package imagefile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"faird/verdict"
)

// chunk is a PNG chunk with its CRC.
func chunk(typ string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, typ...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// pngOf is a PNG of that header with the scan lines, filter bytes included.
func pngOf(width, height int, bits, colour, interlace byte, scanlines []byte, more ...[]byte) []byte {
	h := binary.BigEndian.AppendUint32(nil, uint32(width))
	h = append(binary.BigEndian.AppendUint32(h, uint32(height)), bits, colour, 0, 0, interlace)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(scanlines)
	_ = w.Close()
	parts := append([][]byte{[]byte(pngSignature), chunk("IHDR", h)}, more...)
	return join(append(parts, chunk("IDAT", z.Bytes()), chunk("IEND", nil))...)
}

// packed are the samples v(x, y), n for a pixel of bits each, as scan lines.
func packed(width, height, bits, n int, v func(x, y, c int) int) []byte {
	var out []byte
	for y := range height {
		row, used := []byte{0}, 8
		for x := range width {
			for c := range n {
				for b := bits - 1; b >= 0; b-- {
					if used == 8 {
						row, used = append(row, 0), 0
					}
					row[len(row)-1] |= byte(v(x, y, c)>>b&1) << (7 - used)
					used++
				}
			}
		}
		out = append(out, row...)
	}
	return out
}

// adam7 are the scan lines of an interlaced PNG.
func adam7(width, height, bits, n int, v func(x, y, c int) int) []byte {
	var out []byte
	for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		w, h := (width-p[0]+p[2]-1)/p[2], (height-p[1]+p[3]-1)/p[3]
		if w > 0 && h > 0 {
			out = append(out, packed(w, h, bits, n, func(x, y, c int) int { return v(p[0]+x*p[2], p[1]+y*p[3], c) })...)
		}
	}
	return out
}

// gradient has samples of every size, which differ between neighbours and channels.
func gradient(bits int) func(x, y, c int) int {
	return func(x, y, c int) int { return (x*2654435761 + y*40503*77 + c*1013904223) >> 7 & (1<<bits - 1) }
}

// pngs are PNGs of every colour type and depth, some interlaced.
func pngs() map[string][]byte {
	all := map[string][]byte{}
	colours := make([]byte, 3*256)
	for i := range colours {
		colours[i] = byte(i * 37)
	}
	for colour, n := range pngChannels {
		for _, bits := range []int{1, 2, 4, 8, 16} {
			if (colour == pngPalette && bits == 16) || (bits < 8 && colour != pngGrey && colour != pngPalette) {
				continue
			}
			var more [][]byte
			if colour == pngPalette {
				more = [][]byte{chunk("PLTE", colours[:3<<bits]), chunk("tRNS", []byte{0, 128})}
			}
			name := pngNames[colour] + " " + string(rune('0'+bits/10)) + string(rune('0'+bits%10))
			all[name] = pngOf(13, 11, byte(bits), colour, 0, packed(13, 11, bits, n, gradient(bits)), more...)
			all[name+" interlaced"] = pngOf(13, 11, byte(bits), colour, 1, adam7(13, 11, bits, n, gradient(bits)), more...)
		}
	}
	return all
}

// Go's decoder is another implementation of the same standard.
func TestPNGPixelsAreThoseOfGo(t *testing.T) {
	for name, data := range pngs() {
		t.Run(name, func(t *testing.T) {
			got, h := decoded(t, data)
			want, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			for y := range h.Height {
				for x := range h.Width {
					p := got.GetVecbAt(y, x)
					if w := opaque(want, x, y); p[2] != w[0] || p[1] != w[1] || p[0] != w[2] {
						t.Fatalf("pixel %d,%d is BGR %v, want RGB %v", x, y, p, w)
					}
				}
			}
			if head, err := ReadHeader(data); err != nil || head != h {
				t.Errorf("header %v, of the decoder %v: %v", head, h, err)
			}
		})
	}
}

// opaque is a pixel with its alpha dropped, samples of 16 bits rounded.
func opaque(m image.Image, x, y int) [3]byte {
	to8 := func(v uint16) byte { return byte(math.Round(float64(v) / 257)) }
	switch c := m.At(x, y).(type) {
	case color.NRGBA:
		return [3]byte{c.R, c.G, c.B}
	case color.NRGBA64:
		return [3]byte{to8(c.R), to8(c.G), to8(c.B)}
	default:
		r, g, b, _ := c.RGBA()
		return [3]byte{to8(uint16(r)), to8(uint16(g)), to8(uint16(b))}
	}
}

func TestPNGPixelsAreThoseOfOpenCV(t *testing.T) {
	m := scene(t, 83, 61)
	data := encode(t, gocv.PNGFileExt, m)
	got, _ := decoded(t, data)
	same(t, got, m)
}

// PNG 3rd ed., 13.12: the sample at its true depth is the stored one shifted right. An
// encoder has filled the bits below with zeros, or with a copy of the highest ones.
func TestPNGDepth(t *testing.T) {
	for _, depth := range []int{10, 12, 14, 16} {
		for _, replicate := range []bool{false, true} {
			stored := func(x, y, _ int) int {
				v := (y*256 + x) >> (16 - depth) << (16 - depth)
				if replicate {
					v |= v >> depth
				}
				return v
			}
			data := pngOf(256, 256, 16, pngGrey, 0, packed(256, 256, 16, 1, stored), chunk("sBIT", []byte{byte(depth)}))
			got, h := decoded(t, data)
			if want := "grey " + string(rune('0'+depth/10)) + string(rune('0'+depth%10)) + "-bit"; h.Pixels != want {
				t.Errorf("pixels %q, want %q", h.Pixels, want)
			}
			wantRamp(t, got, depth)
		}
	}
}

// wantRamp expects a 256x256 image of all values of 16 bits, of which the upper
// ones count.
func wantRamp(t *testing.T, got gocv.Mat, depth int) {
	t.Helper()
	for i, p := range got.ToBytes() {
		v := i / 3 >> (16 - depth)
		if want := byte(math.Round(255 * float64(v) / float64(int(1)<<depth-1))); p != want {
			t.Fatalf("depth %d: %d became %d, want %d", depth, v, p, want)
		}
	}
}

func TestPNGWithAnyBitErrorIsRefused(t *testing.T) {
	data := pngs()["RGB 08"]
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	for at := range len(data) * 8 {
		c := bytes.Clone(data)
		c[at/8] ^= 1 << (at % 8)
		if _, err := d.Decode(c, &dst); err == nil {
			t.Errorf("bit %d of byte %d (%q) may change", at%8, at/8, data[at/8&^3:][:4])
		}
	}
}

func TestPNGDamage(t *testing.T) {
	rows := packed(13, 11, 8, 3, gradient(8))
	good := pngOf(13, 11, 8, pngRGB, 0, rows)
	wantFaults(t, map[string]faulty{
		"rows missing":    {pngOf(13, 11, 8, pngRGB, 0, rows[:len(rows)-40]), verdict.Damaged},
		"a byte missing":  {pngOf(13, 11, 8, pngRGB, 0, rows[:len(rows)-1]), verdict.Damaged},
		"rows too many":   {pngOf(13, 11, 8, pngRGB, 0, join(rows, rows[:40])), verdict.Damaged},
		"unknown filter":  {pngOf(13, 11, 8, pngRGB, 0, join([]byte{9}, rows[1:])), verdict.Damaged},
		"colour type 5":   {pngOf(13, 11, 8, 5, 0, rows), verdict.Damaged},
		"no size":         {pngOf(0, 11, 8, pngRGB, 0, rows), verdict.Damaged},
		"no palette":      {pngOf(13, 11, 8, pngPalette, 0, packed(13, 11, 8, 1, gradient(8))), verdict.Damaged},
		"index too large": {pngOf(13, 11, 8, pngPalette, 0, packed(13, 11, 8, 1, gradient(8)), chunk("PLTE", make([]byte, 9))), verdict.Damaged},
		"no pixels":       {join(good[:33], chunk("IEND", nil)), verdict.Damaged},
		"Adler-32":        {join(good[:33], chunk("IDAT", spoilt(idat(good))), chunk("IEND", nil)), verdict.Damaged},
		"two headers":     {join(good[:33], good[8:]), verdict.Damaged},
		"another image":   {join(good, good), verdict.Damaged},
		"zeros after":     {join(good, make([]byte, 99)), ""},
		"colour profile":  {pngOf(13, 11, 8, pngRGB, 0, rows, chunk("iCCP", []byte("x\x00\x00nonsense")), chunk("sRGB", []byte{77}), chunk("gAMA", nil)), ""},
		"transparency":    {pngOf(13, 11, 8, pngRGB, 0, rows, chunk("tRNS", []byte{1, 2, 3, 4, 5, 6})), ""},
		"unknown chunk":   {pngOf(13, 11, 8, pngRGB, 0, rows, chunk("quIz", make([]byte, 1<<16))), ""},
		"must be known":   {pngOf(13, 11, 8, pngRGB, 0, rows, chunk("QUIZ", nil)), verdict.Damaged},
	})
}

// idat is the zlib stream of a PNG with one IDAT chunk.
func idat(data []byte) []byte {
	at := bytes.Index(data, []byte("IDAT"))
	return data[at+4 : at+4+int(binary.BigEndian.Uint32(data[at-4:]))]
}

// spoilt has another last byte.
func spoilt(data []byte) []byte {
	c := bytes.Clone(data)
	c[len(c)-1] ^= 1
	return c
}

func FuzzPNG(f *testing.F) {
	for _, data := range pngs() {
		f.Add(data)
	}
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) {
		if !isPNG(data) {
			data = append([]byte(pngSignature), data...)
		}
		return d.decodePNG(sealed(data), dst)
	})
}

// sealed corrects the CRCs, so that more than the first check is tried.
func sealed(data []byte) []byte {
	data = bytes.Clone(data)
	for at := len(pngSignature); len(data)-at >= 12; {
		length := int(binary.BigEndian.Uint32(data[at:]))
		if length > len(data)-at-12 {
			break
		}
		binary.BigEndian.PutUint32(data[at+8+length:], crc32.ChecksumIEEE(data[at+4:at+8+length]))
		at += 12 + length
	}
	return data
}

// Of several images in one file nobody knows which one shows the part.
func TestAnimatedPNG(t *testing.T) {
	wantError(t, pngOf(13, 11, 8, pngRGB, 0, packed(13, 11, 8, 3, gradient(8)), chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})), "an animated PNG is not read")
}
