package imagefile

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"faird/camera/fault"
	"faird/verdict"
)

// everyFormat has intact images of each one.
func everyFormat(t testing.TB) map[string][]byte {
	le, v := binary.LittleEndian, gradient(8)
	all := map[string][]byte{
		"PNG":             pngs()["RGB 08"],
		"PNG interlaced":  pngs()["grey 16 interlaced"],
		"PNG palette":     pngs()["palette 04"],
		"TIFF tags first": tiffOf(le, true, rgbTags(13, 11, 8), samples(le, 13, 11, 8, 3, v)),
		"TIFF tags last":  tiffOf(binary.BigEndian, false, greyTags(13, 11, 12), samples(le, 13, 11, 12, 1, gradient(12))),
		"BMP":             bmpOf(13, 11, 24, 0, nil, bmpRaster(13, 11, 8, 3, v)),
		"BMP palette":     bmpOf(13, 11, 4, 0, make([]byte, 64), bmpRaster(13, 11, 4, 1, gradient(4))),
	}
	for kind := 1; kind <= 6; kind++ {
		all["P"+string(rune('0'+kind))] = bytes.TrimSuffix(pnmOf(kind, 1, upTo(1)), []byte("#"))
	}
	for name, data := range tiffs(t) {
		all["TIFF "+name] = data
	}
	for name, data := range webps(t) {
		all["WebP "+name] = data
	}
	for name, data := range jpegs(t) {
		all["JPEG "+name] = data
	}
	return all
}

func TestNothingCutShortIsDecoded(t *testing.T) {
	for name, data := range everyFormat(t) {
		t.Run(name, func(t *testing.T) { refusesEveryPrefix(t, data) })
	}
}

func TestNotAnImage(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want verdict.Check
	}{
		"nothing":  {"", verdict.Incomplete},
		"text":     {"Please find the image attached.", ""},
		"GIF":      {"GIF89a\x01\x00\x01\x00\x80\x00\x00", ""},
		"JPEG2000": {"\x00\x00\x00\x0cjP  \r\n\x87\n", ""},
		"HTML":     {"<!DOCTYPE html><title>401 Unauthorized</title>", ""},
		"zeros":    {strings.Repeat("\x00", 4096), ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, []byte(c.data), c.want)
			if decode([]byte(c.data)) == nil {
				t.Error("it was decoded")
			}
		})
	}
	wantError(t, []byte("GIF89a"), "JPEG, PNG, TIFF, BMP, WebP")
}

// The log is JSON lines on stderr; a codec must not write between them.
func TestNothingIsPrinted(t *testing.T) {
	all := everyFormat(t)
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	text := stderrOf(t, func() {
		for _, data := range all {
			for at := range 200 {
				c := bytes.Clone(data)
				c[at*len(c)/200] ^= 0xff
				_, _ = d.Decode(c, &dst)
				_, _ = d.Decode(c[:at*len(c)/200], &dst)
			}
		}
	})
	if text != "" {
		t.Errorf("on stderr: %q", text)
	}
}

// stderrOf is what f wrote to the process's stderr, C code included.
func stderrOf(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before, err := unix.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(before)
	if err := unix.Dup3(int(file.Fd()), 2, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Dup3(before, 2, 0) }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// After an error nothing of the image before may pass for the new one, and the
// decoder goes on working.
func TestDecoderIsReusable(t *testing.T) {
	all := everyFormat(t)
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	for range 2 {
		for name, data := range all {
			if _, err := d.Decode(data[:len(data)/2], &dst); err == nil {
				t.Errorf("half of %s was decoded", name)
			}
			h, err := d.Decode(data, &dst)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if want, _ := decoded(t, data); !equal(dst, want) || dst.Cols() != h.Width {
				t.Errorf("%s: other pixels than from a new decoder", name)
			}
		}
	}
}

func TestPixelMemoryIsReused(t *testing.T) {
	data := pngs()["RGB 08"]
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	var first *uint8
	for range 3 {
		if _, err := d.Decode(data, &dst); err != nil {
			t.Fatal(err)
		}
		p, err := dst.DataPtrUint8()
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && first != &p[0] {
			t.Error("the pixels moved")
		}
		first = &p[0]
	}
}

// A Mat that is part of another one has gaps between its rows.
func TestDecodingIntoARegion(t *testing.T) {
	for name, data := range everyFormat(t) {
		want, h := decoded(t, data)
		all := gocv.NewMatWithSize(h.Height+9, h.Width+9, gocv.MatTypeCV8UC3)
		part := all.Region(image.Rect(5, 4, 5+h.Width, 4+h.Height))
		d := NewDecoder(0)
		if _, err := d.Decode(data, &part); err != nil {
			t.Fatal(err)
		}
		copied := part.Clone()
		same(t, copied, want)
		if p := all.GetVecbAt(h.Height+4, 5); p[0] != 0 || p[1] != 0 || p[2] != 0 {
			t.Errorf("%s: written below the region", name)
		}
		copied.Close()
		part.Close()
		all.Close()
		d.Close()
	}
}

func TestFaultsNameTheirImage(t *testing.T) {
	for check, err := range map[verdict.Check]error{
		verdict.TooLarge:   Header{Format: "PNG", Pixels: "grey 1-bit", Width: 20000, Height: 20000}.Within(1e8),
		verdict.Incomplete: decode(pngs()["RGB 08"][:99]),
	} {
		if fault.Of(err) != check {
			t.Errorf("%v is no %s", err, check)
		}
	}
	huge := Header{Width: 1 << 32, Height: 1 << 32, PixelBytes: 8}
	if fault.Of(huge.Within(1<<30)) != verdict.TooLarge {
		t.Error("2^67 bytes are within the limit")
	}
	for name, data := range everyFormat(t) {
		if _, err := ReadHeader(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
