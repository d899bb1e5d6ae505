package imagefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"faird/verdict"
)

// imwriteTIFFCompression is a parameter of OpenCV's that gocv does not name.
const imwriteTIFFCompression = 259

// TIFF tags.
const (
	tiffWidth, tiffLength, tiffBits, tiffCompression, tiffPhotometric   = 256, 257, 258, 259, 262
	tiffOffsets, tiffOrientation, tiffSamples, tiffRows, tiffCounts     = 273, 274, 277, 278, 279
	tiffMost, tiffPlanar, tiffPredictor, tiffMap, tiffTileW, tiffTileH  = 281, 284, 317, 320, 322, 323
	tiffTileOffsets, tiffTileCounts, tiffExtra, tiffFormat, tiffPrivate = 324, 325, 338, 339, 65000
)

// tags are the fields of a directory; a field of several values has them all.
type tags map[uint16][]uint32

// tiffOf is a TIFF with the strips or tiles, the directory first or last.
func tiffOf(order binary.AppendByteOrder, first bool, fields tags, chunks ...[]byte) []byte {
	offsets, counts := uint16(tiffOffsets), uint16(tiffCounts)
	if fields[tiffTileW] != nil {
		offsets, counts = tiffTileOffsets, tiffTileCounts
	}
	fields[offsets], fields[counts] = nil, nil
	size := 0
	for _, c := range chunks {
		fields[counts] = append(fields[counts], uint32(len(c)))
		fields[offsets] = append(fields[offsets], 0)
		size += len(c)
	}
	directory := 8
	if !first {
		directory += size
	}
	at := 8
	if first {
		at = directory + len(fieldsOf(order, fields, directory))
	}
	for i, c := range chunks {
		fields[offsets][i] = uint32(at)
		at += len(c)
	}
	head := []byte("II*\x00")
	if order.String() == "BigEndian" {
		head = []byte("MM\x00*")
	}
	head = order.AppendUint32(head, uint32(directory))
	if first {
		return join(head, fieldsOf(order, fields, directory), join(chunks...))
	}
	return join(head, join(chunks...), fieldsOf(order, fields, directory))
}

// fieldsOf is a directory at an offset, with the values that do not fit into it.
func fieldsOf(order binary.AppendByteOrder, fields tags, at int) []byte {
	out := order.AppendUint16(nil, uint16(len(fields)))
	var beside []byte
	for tag := range uint16(65535) {
		values, ok := fields[tag]
		if !ok {
			continue
		}
		typ := uint16(3)
		if wide := tag == tiffOffsets || tag == tiffCounts || tag == tiffTileOffsets || tag == tiffTileCounts || tag == tiffWidth || tag == tiffLength; wide {
			typ = 4
		}
		out = order.AppendUint32(order.AppendUint16(order.AppendUint16(out, tag), typ), uint32(len(values)))
		var v []byte
		for _, x := range values {
			if typ == 4 {
				v = order.AppendUint32(v, x)
			} else {
				v = order.AppendUint16(v, uint16(x))
			}
		}
		if len(v) > 4 {
			v, beside = order.AppendUint32(nil, uint32(at+2+12*len(fields)+4+len(beside))), append(beside, v...)
		}
		out = append(out, append(v, 0, 0, 0, 0)[:4]...)
	}
	return append(append(out, 0, 0, 0, 0), beside...)
}

// samples are packed rows without filter bytes; those of 16 bits in the byte order.
func samples(order binary.AppendByteOrder, width, height, bits, n int, v func(x, y, c int) int) []byte {
	if bits == 16 {
		var out []byte
		for i := range width * height * n {
			out = order.AppendUint16(out, uint16(v(i/n%width, i/n/width, i%n)))
		}
		return out
	}
	rows, rowBytes := packed(width, height, bits, n, v), (width*bits*n+7)/8
	var out []byte
	for y := range height {
		out = append(out, rows[y*(rowBytes+1)+1:][:rowBytes]...)
	}
	return out
}

func greyTags(width, height, bits uint32) tags {
	return tags{tiffWidth: {width}, tiffLength: {height}, tiffBits: {bits}, tiffCompression: {1}, tiffPhotometric: {1}, tiffSamples: {1}, tiffRows: {height}}
}

func rgbTags(width, height, bits uint32) tags {
	t := greyTags(width, height, bits)
	t[tiffBits], t[tiffPhotometric], t[tiffSamples] = []uint32{bits, bits, bits}, []uint32{2}, []uint32{3}
	return t
}

func wantPixels(t *testing.T, data []byte, want func(x, y, c int) int) {
	t.Helper()
	got, h := decoded(t, data)
	for i, p := range got.ToBytes() {
		x, y, c := i/3%h.Width, i/3/h.Width, 2-i%3
		if int(p) != want(x, y, c) {
			t.Fatalf("%v: pixel %d,%d channel %d is %d, want %d", h, x, y, c, p, want(x, y, c))
		}
	}
	if head, err := ReadHeader(data); err != nil || head != h {
		t.Errorf("header %v, of the decoder %v: %v", head, h, err)
	}
}

// grey repeats channel 0 and scales it from 0..most.
func grey(v func(x, y, c int) int, most int) func(x, y, c int) int {
	return func(x, y, _ int) int { return int(math.Round(255 * float64(v(x, y, 0)) / float64(most))) }
}

func TestTIFFDepths(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, bits := range []int{1, 2, 4, 8, 10, 12, 14, 16} {
			t.Run(fmt.Sprintf("%v %d", order, bits), func(t *testing.T) {
				v := gradient(bits)
				wantPixels(t, tiffOf(order, true, greyTags(13, 11, uint32(bits)), samples(order, 13, 11, bits, 1, v)), grey(v, 1<<bits-1))
				rgb := func(x, y, c int) int { return int(math.Round(255 * float64(v(x, y, c)) / float64(int(1)<<bits-1))) }
				wantPixels(t, tiffOf(order, false, rgbTags(13, 11, uint32(bits)), samples(order, 13, 11, bits, 3, v)), rgb)
			})
		}
	}
}

func TestTIFFMinIsWhite(t *testing.T) {
	f, v := greyTags(13, 11, 8), gradient(8)
	f[tiffPhotometric] = []uint32{0}
	wantPixels(t, tiffOf(binary.LittleEndian, true, f, samples(binary.LittleEndian, 13, 11, 8, 1, v)), func(x, y, _ int) int { return 255 - v(x, y, 0) })
}

// 12 bits in samples of 16 are said by MaxSampleValue; the brightest value of the
// image, which some programs write there, is not taken for a depth.
func TestTIFFMaxSampleValue(t *testing.T) {
	for most, depth := range map[uint32]int{4095: 12, 1023: 10, 16383: 14, 65535: 16, 3000: 16, 100: 16, 0: 16} {
		f, v := greyTags(13, 11, 16), gradient(min(depth, 16))
		f[tiffMost] = []uint32{most}
		data := tiffOf(binary.LittleEndian, true, f, samples(binary.LittleEndian, 13, 11, 16, 1, v))
		wantPixels(t, data, grey(v, 1<<depth-1))
	}
	f := greyTags(2, 1, 16) // a value beyond the maximum is white
	f[tiffMost] = []uint32{4095}
	wantPixels(t, tiffOf(binary.LittleEndian, true, f, []byte{0xff, 0xff, 0, 0x10}), func(int, int, int) int { return 255 })
}

func TestTIFFLayouts(t *testing.T) {
	le, v := binary.LittleEndian, gradient(8)
	rows := func(from, to, n int, v func(x, y, c int) int) []byte {
		return samples(le, 13, to-from, 8, n, func(x, y, c int) int { return v(x, y+from, c) })
	}
	plane := func(c int) []byte { return rows(0, 11, 1, func(x, y, _ int) int { return v(x, y, c) }) }
	tile := func(x0, y0 int) []byte {
		return samples(le, 16, 16, 8, 3, func(x, y, c int) int { return v(x+x0, y+y0, c) })
	}
	strips := rgbTags(13, 11, 8)
	strips[tiffRows] = []uint32{4}
	planar := rgbTags(13, 11, 8)
	planar[tiffPlanar] = []uint32{2}
	tiles := rgbTags(21, 19, 8)
	delete(tiles, tiffRows)
	tiles[tiffTileW], tiles[tiffTileH] = []uint32{16}, []uint32{16}
	alpha := rgbTags(13, 11, 8)
	alpha[tiffBits], alpha[tiffSamples], alpha[tiffExtra] = []uint32{8, 8, 8, 8}, []uint32{4}, []uint32{2}
	turned := rgbTags(13, 11, 8)
	turned[tiffOrientation] = []uint32{6}
	private := rgbTags(13, 11, 8)
	private[65000] = []uint32{7}
	for name, data := range map[string][]byte{
		"strips":      tiffOf(le, true, strips, rows(0, 4, 3, v), rows(4, 8, 3, v), rows(8, 11, 3, v)),
		"planar":      tiffOf(le, true, planar, plane(0), plane(1), plane(2)),
		"tiles":       tiffOf(le, true, tiles, tile(0, 0), tile(16, 0), tile(0, 16), tile(16, 16)),
		"alpha":       tiffOf(le, true, alpha, rows(0, 11, 4, v)),
		"turned":      tiffOf(le, true, turned, rows(0, 11, 3, v)),
		"private tag": tiffOf(le, true, private, rows(0, 11, 3, v)),
	} {
		t.Run(name, func(t *testing.T) { wantPixels(t, data, v) })
	}
}

func TestTIFFPalette(t *testing.T) {
	le, v := binary.LittleEndian, gradient(4)
	f := greyTags(13, 11, 4)
	f[tiffPhotometric], f[tiffMap] = []uint32{3}, nil
	for i := range uint32(48) {
		f[tiffMap] = append(f[tiffMap], i*1300)
	}
	wantPixels(t, tiffOf(le, true, f, samples(le, 13, 11, 4, 1, v)), func(x, y, c int) int {
		return int(math.Round(float64(f[tiffMap][c*16+v(x, y, 0)]) / 257))
	})
}

// tiffs are images that other programs compress.
func tiffs(t testing.TB) map[string][]byte { return tiffsOf(t, 83, 61) }

func tiffsOf(t testing.TB, width, height int) map[string][]byte {
	t.Helper()
	m, wide := scene(t, width, height), gocv.NewMat()
	defer wide.Close()
	if err := m.ConvertToWithParams(&wide, gocv.MatTypeCV16UC3, 257, 0); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"LZW":            encode(t, ".tif", m, imwriteTIFFCompression, 5),
		"deflate":        encode(t, ".tif", m, imwriteTIFFCompression, 8),
		"PackBits":       encode(t, ".tif", m, imwriteTIFFCompression, 32773),
		"none":           encode(t, ".tif", m, imwriteTIFFCompression, 1),
		"ffmpeg LZW":     ffmpeg(t, m, "rgb24", "tiff", "-compression_algo", "lzw"),
		"ffmpeg deflate": ffmpeg(t, m, "rgb24", "tiff", "-compression_algo", "deflate"),
		"ffmpeg none":    ffmpeg(t, m, "rgb24", "tiff", "-compression_algo", "raw"),
		"deflate 16":     encode(t, ".tif", wide, imwriteTIFFCompression, 8),
	}
}

func TestTIFFCompressions(t *testing.T) {
	m := scene(t, 83, 61)
	for name, data := range tiffs(t) {
		t.Run(name, func(t *testing.T) {
			got, _ := decoded(t, data)
			same(t, got, m)
		})
	}
}

func TestTIFFJPEG(t *testing.T) {
	m := scene(t, 83, 61)
	data := encode(t, ".tif", m, imwriteTIFFCompression, 7)
	got, _ := decoded(t, data)
	if d := gocv.Norm(got, gocv.NormL1) - gocv.Norm(m, gocv.NormL1); math.Abs(d)/(83*61*3) > 2 {
		t.Errorf("the mean differs by %g", d/(83*61*3))
	}
	refusesEveryPrefix(t, data)
}

// Deflate is the only compression of TIFF with a checksum.
func TestTIFFDeflateWithABitErrorIsRefused(t *testing.T) {
	for _, name := range []string{"deflate", "deflate 16", "ffmpeg deflate"} {
		data := tiffs(t)[name]
		want, _ := decoded(t, data)
		d, dst := NewDecoder(0), gocv.NewMat()
		refused := 0
		for at := 8; at < len(data); at += 11 {
			c := bytes.Clone(data)
			c[at] ^= 1 << (at % 8)
			if h, err := d.Decode(c, &dst); err != nil {
				refused++
			} else if !equal(dst, want) && at < len(data)-300 && at > 300 {
				t.Errorf("%s: a bit error at byte %d of %d of %v changes the image unnoticed", name, at, len(data), h)
			}
		}
		if refused < len(data)/22 {
			t.Errorf("%s: only %d refused", name, refused)
		}
		d.Close()
		dst.Close()
	}
}

func TestTIFFDamage(t *testing.T) {
	le, v := binary.LittleEndian, gradient(8)
	pixels := samples(le, 13, 11, 8, 3, v)
	with := func(change func(tags)) []byte {
		f := rgbTags(13, 11, 8)
		change(f)
		return tiffOf(le, true, f, pixels)
	}
	wantFaults(t, map[string]faulty{
		"intact":             {with(func(tags) {}), ""},
		"strip too short":    {tiffOf(le, true, rgbTags(13, 11, 8), pixels[:len(pixels)-1]), verdict.Damaged},
		"strip empty":        {tiffOf(le, true, rgbTags(13, 11, 8), nil), verdict.Damaged},
		"strips missing":     {with(func(f tags) { f[tiffRows] = []uint32{4} }), verdict.Damaged},
		"height beyond":      {with(func(f tags) { f[tiffLength] = []uint32{12} }), verdict.Damaged},
		"no height":          {with(func(f tags) { f[tiffLength] = []uint32{0} }), verdict.Damaged},
		"one sample of RGB":  {with(func(f tags) { f[tiffSamples], f[tiffBits] = []uint32{1}, []uint32{8} }), verdict.Damaged},
		"LZW of noise":       {with(func(f tags) { f[tiffCompression] = []uint32{5} }), verdict.Damaged},
		"deflate of noise":   {with(func(f tags) { f[tiffCompression] = []uint32{8} }), verdict.Damaged},
		"JPEG of noise":      {with(func(f tags) { f[tiffCompression] = []uint32{7} }), verdict.Damaged},
		"CCITT":              {with(func(f tags) { f[tiffCompression] = []uint32{4} }), ""},
		"CIELab":             {with(func(f tags) { f[tiffPhotometric] = []uint32{8} }), ""},
		"floating point":     {with(func(f tags) { f[tiffFormat] = []uint32{3, 3, 3} }), ""},
		"2^31 pixels":        {with(func(f tags) { f[tiffWidth], f[tiffLength] = []uint32{1 << 16}, []uint32{1 << 15} }), verdict.TooLarge},
		"2^64 pixels":        {with(func(f tags) { f[tiffWidth], f[tiffLength] = []uint32{1<<32 - 1}, []uint32{1<<32 - 1} }), verdict.Damaged},
		"one enormous strip": {with(func(f tags) { f[tiffRows] = []uint32{1<<32 - 1} }), ""},
	})
}

func TestTIFFHugeTile(t *testing.T) {
	f := greyTags(8, 8, 8)
	delete(f, tiffRows)
	f[tiffTileW], f[tiffTileH] = []uint32{65520}, []uint32{65520}
	wantFault(t, tiffOf(binary.LittleEndian, true, f, make([]byte, 99)), verdict.TooLarge)
}

func FuzzTIFF(f *testing.F) {
	for _, data := range tiffsOf(f, 9, 7) {
		f.Add(data)
	}
	for _, bits := range []int{1, 4, 8, 12, 16} {
		f.Add(tiffOf(binary.BigEndian, true, greyTags(13, 11, uint32(bits)), samples(binary.BigEndian, 13, 11, bits, 1, gradient(bits))))
	}
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) {
		if !isTIFF(data) {
			data = append([]byte("II*\x00"), data...)
		}
		return d.decodeTIFF(data, dst)
	})
}
