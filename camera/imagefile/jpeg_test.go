package imagefile

import (
	"bytes"
	"encoding/binary"
	"testing"

	"gocv.io/x/gocv"

	"faird/camera/fault"
	"faird/verdict"
)

// jpegs are intact images of the kinds that cameras and programs write.
func jpegs(t testing.TB) map[string][]byte { return jpegsOf(t, 83, 61) }

func jpegsOf(t testing.TB, width, height int) map[string][]byte {
	t.Helper()
	m := scene(t, width, height)
	grey := gocv.NewMat()
	defer grey.Close()
	if err := gocv.CvtColor(m, &grey, gocv.ColorBGRToGray); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"grey":              encode(t, gocv.JPEGFileExt, grey),
		"grey progressive":  encode(t, gocv.JPEGFileExt, grey, gocv.IMWriteJpegProgressive, 1),
		"4:2:0":             encode(t, gocv.JPEGFileExt, m),
		"4:2:0 optimised":   encode(t, gocv.JPEGFileExt, m, gocv.IMWriteJpegOptimize, 1),
		"4:2:0 restarts":    encode(t, gocv.JPEGFileExt, m, gocv.IMWriteJpegRstInterval, 3),
		"4:2:0 progressive": encode(t, gocv.JPEGFileExt, m, gocv.IMWriteJpegProgressive, 1),
		"4:2:2":             ffmpeg(t, m, "yuvj422p", "mjpeg"),
		"4:4:4":             ffmpeg(t, m, "yuvj444p", "mjpeg"),
	}
}

func TestJPEGPixelsAreThoseOfOpenCV(t *testing.T) { readsAsOpenCV(t, jpegs(t)) }

func TestJPEGCutAtAnyByteIsRefused(t *testing.T) {
	for name, data := range jpegs(t) {
		t.Run(name, func(t *testing.T) { refusesEveryPrefix(t, data) })
	}
}

// What lies after the end marker does not belong to the image.
func TestJPEGEnd(t *testing.T) {
	data := jpegs(t)["4:2:0"]
	body := data[:len(data)-2]
	end := data[len(data)-2:]
	wantFaults(t, map[string]faulty{
		"zeros":          {join(data, make([]byte, 999)), ""},
		"text":           {join(data, []byte("written by the camera")), ""},
		"another image":  {join(data, data), verdict.Damaged},
		"after zeros":    {join(data, make([]byte, 99), data), verdict.Damaged},
		"no end marker":  {body, verdict.Incomplete},
		"tail lost":      {join(body[:len(body)-40], end), verdict.Damaged},
		"half lost":      {join(body[:len(body)/2], end), verdict.Damaged},
		"middle lost":    {join(body[:len(body)/2], body[len(body)/2+200:], end), verdict.Damaged},
		"too much":       {join(body, make([]byte, 40), end), verdict.Damaged},
		"fill bytes":     {join(body, []byte{0xff, 0xff}, end), ""},
		"padded word":    {join(body, make([]byte, 4), end), ""},
		"bytes too many": {join(body, []byte{1, 2, 3, 4}, end), verdict.Damaged}, // libjpeg is content
		"scan repeated":  {join(body, data[bytes.Index(data, []byte{0xff, startOfScan}):]), verdict.Damaged},
		"padded segment": {join(data[:2], []byte{0}, data[2:]), verdict.Damaged},
	})
}

// Motion JPEG may leave out the standard tables.
func TestJPEGWithoutHuffmanTables(t *testing.T) {
	data := jpegs(t)["4:2:0"]
	want, _ := decoded(t, data)
	bare := bytes.Clone(data)
	for at := bytes.Index(bare, []byte{0xff, huffmanTables}); at >= 0; at = bytes.Index(bare, []byte{0xff, huffmanTables}) {
		bare = append(bare[:at], bare[at+2+int(binary.BigEndian.Uint16(bare[at+2:])):]...)
	}
	got, _ := decoded(t, bare)
	same(t, got, want)
	refusesEveryPrefix(t, bare)
}

// The orientation that EXIF notes is ignored, as that of TIFF and of videos is.
func TestJPEGOrientation(t *testing.T) {
	data := jpegs(t)["4:2:0"]
	want, _ := decoded(t, data)
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	turned := join(data[:2], exif, data[2:])
	opencv, err := gocv.IMDecode(turned, gocv.IMReadColor)
	if err != nil {
		t.Fatal(err)
	}
	defer opencv.Close()
	if opencv.Cols() != want.Rows() {
		t.Fatal("the image is not marked as turned")
	}
	got, _ := decoded(t, turned)
	same(t, got, want)
}

func TestJPEGRestartMarkers(t *testing.T) {
	data := jpegs(t)["4:2:0 restarts"]
	first, second := bytes.Index(data, []byte{0xff, 0xd0}), bytes.Index(data, []byte{0xff, 0xd1})
	if first < 0 || second < first {
		t.Fatal("no restart markers")
	}
	change := func(at int, to byte) []byte {
		c := bytes.Clone(data)
		c[at+1] = to
		return c
	}
	for name, c := range map[string][]byte{
		"another number": change(first, 0xd1),
		"interval lost":  join(data[:first], data[second:]),
		"interval twice": join(data[:second], data[first:]),
		"marker lost":    join(data[:first], data[first+2:]),
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, c, verdict.Damaged) })
	}
	filled := join(data[:first], []byte{0xff, 0xff}, data[first:])
	if got, _ := decoded(t, filled); !bytes.Equal(got.ToBytes(), pixelsOf(t, data)) {
		t.Error("fill bytes before a restart marker change the image")
	}
}

func pixelsOf(t *testing.T, data []byte) []byte {
	t.Helper()
	m, _ := decoded(t, data)
	return m.ToBytes()
}

// A progressive image whose last scans never came is a blurred one, without any
// warning of libjpeg.
func TestProgressiveJPEGNeedsAllScans(t *testing.T) {
	data := jpegs(t)["4:2:0 progressive"]
	scans := 0
	for i := range data {
		if bytes.HasPrefix(data[i:], []byte{0xff, startOfScan}) {
			if scans++; scans > 1 {
				wantFault(t, join(data[:i], []byte{0xff, endOfImage}), verdict.Incomplete)
			}
		}
	}
	if scans < 5 {
		t.Errorf("only %d scans", scans)
	}
}

func TestJPEGKindsThatAreNotRead(t *testing.T) {
	data := jpegs(t)["4:2:0"]
	frame := bytes.Index(data, []byte{0xff, startOfFrame0, 0, 17})
	change := func(at int, to byte) []byte {
		c := bytes.Clone(data)
		c[frame+at] = to
		return c
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"12 bits":    {change(4, 12), "12 bits"},
		"arithmetic": {change(1, 0xc9), "arithmetic"},
		"lossless":   {change(1, 0xc3), "lossless"},
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, c.data, "")
			wantError(t, c.data, c.want)
		})
	}
}

func TestJPEGTooLarge(t *testing.T) {
	data := bytes.Clone(jpegs(t)["4:2:0"])
	frame := bytes.Index(data, []byte{0xff, startOfFrame0, 0, 17})
	binary.BigEndian.PutUint16(data[frame+5:], 65500)
	binary.BigEndian.PutUint16(data[frame+7:], 65500)
	wantFault(t, data, verdict.TooLarge)
	wantError(t, data, "65500x65500")
	wantError(t, data, "camera.max_pixels")
}

func TestJPEGScansAreBounded(t *testing.T) {
	data := jpegs(t)["grey progressive"]
	last := data[bytes.LastIndex(data, []byte{0xff, startOfScan}) : len(data)-2]
	wantFault(t, join(data[:len(data)-2], bytes.Repeat(last, maxScans), data[len(data)-2:]), verdict.TooLarge)
}

// FuzzJPEG gives changed images to the decoder: whatever they are, it returns.
func FuzzJPEG(f *testing.F) {
	for _, data := range jpegsOf(f, 24, 17) {
		f.Add(data)
	}
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) { return d.DecodeJPEG(data, dst) })
}

// The share of single-bit errors in entropy-coded data that JPEG lets pass: no
// checksum protects them, so that many only change the pixels.
func TestJPEGBitErrors(t *testing.T) {
	for name, data := range jpegs(t) {
		want, _ := decoded(t, data)
		d, dst := NewDecoder(0), gocv.NewMat()
		scan := bytes.Index(data, []byte{0xff, startOfScan})
		caught, changed := 0, 0
		for at := scan + 16; at < len(data)-2; at++ {
			c := bytes.Clone(data)
			c[at] ^= 1 << (at % 8)
			if _, err := d.Decode(c, &dst); err != nil {
				if fault.Of(err) == "" {
					t.Errorf("%s: bit error at %d: %v", name, at, err)
				}
				caught++
			} else if !equal(dst, want) {
				changed++
			}
		}
		t.Logf("%s: %d of %d bit errors that change pixels are detected (%.0f%%)", name, caught, caught+changed, 100*float64(caught)/float64(caught+changed))
		if share := float64(caught) / float64(caught+changed); share < 0.15 {
			t.Errorf("%s: a share of %.2f is detected", name, share)
		}
		d.Close()
		dst.Close()
	}
}
