package camera

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"gocv.io/x/gocv"
)

// every16 is a 256x256 picture that holds each 16-bit value once.
func every16() *image.Gray16 {
	m := image.NewGray16(image.Rect(0, 0, 256, 256))
	for v := range 65536 {
		m.SetGray16(v%256, v/256, color.Gray16{Y: uint16(v)})
	}
	return m
}

func encode(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSixteenBitsAreScaledByTheRule(t *testing.T) {
	d, dst := NewDecoder(), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	data := encode(t, every16())
	for range 2 { // the second takes the way without reallocation
		if err := d.Decode(data, &dst); err != nil {
			t.Fatal(err)
		}
		pixels, err := dst.DataPtrUint8()
		if err != nil || dst.Type() != gocv.MatTypeCV8UC3 || len(pixels) != 3*65536 {
			t.Fatalf("%v pixels of type %v: %v", len(pixels), dst.Type(), err)
		}
		for i, p := range pixels {
			if want := uint8(math.Round(float64(i/3) / 257)); p != want {
				t.Fatalf("value %d channel %d became %d, want %d", i/3, i%3, p, want)
			}
		}
	}
}

func TestDepthsMayAlternate(t *testing.T) {
	d, dst := NewDecoder(), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	deep := encode(t, every16())
	shallow := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	shallow.SetNRGBA(15, 10, color.NRGBA{R: 30, G: 20, B: 10, A: 255})
	flat := encode(t, shallow)
	for range 3 {
		for _, data := range [][]byte{deep, flat} {
			if err := d.Decode(data, &dst); err != nil {
				t.Fatal(err)
			}
		}
		if p := dst.GetVecbAt(10, 15); dst.Cols() != 30 || p[0] != 10 || p[1] != 20 || p[2] != 30 {
			t.Fatalf("%dx%d, pixel %v, want 30x20 and BGR 10 20 30", dst.Cols(), dst.Rows(), p)
		}
	}
}

func TestPictureBeforeIsNeverGivenAgain(t *testing.T) {
	d, dst := NewDecoder(), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	for _, before := range [][]byte{encode(t, image.NewGray(image.Rect(0, 0, 64, 64))), encode(t, every16())} {
		if err := d.Decode(before, &dst); err != nil {
			t.Fatal(err)
		}
		wantErr(t, d.Decode([]byte("no picture"), &dst), ErrPicture)
	}
}

func TestPictureThatBeginsWithTheMark(t *testing.T) {
	d, dst := NewDecoder(), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	m := gocv.NewMatWithSize(8, 8, gocv.MatTypeCV8UC3)
	defer m.Close()
	writeMark(&m)
	buf, err := gocv.IMEncode(gocv.PNGFileExt, m)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Close()
	for range 2 {
		if err := d.Decode(buf.GetBytes(), &dst); err != nil || !hasMark(&dst) {
			t.Fatalf("a true picture was refused: %v", err)
		}
	}
}

func TestAWholeJPEGIsNotCutShort(t *testing.T) {
	buf, err := gocv.IMEncode(gocv.JPEGFileExt, grey(t, 40, 40, 99))
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Close()
	whole := bytes.Clone(buf.GetBytes())
	if err := complete(append(whole, 0, 0, 0)); err != nil {
		t.Errorf("padding after the end: %v", err)
	}
	for _, n := range []int{3, 20, len(whole) - 2} {
		if complete(whole[:n:n]) == nil {
			t.Errorf("the first %d of %d bytes pass for whole", n, len(whole))
		}
	}
}

func FuzzDecode(f *testing.F) {
	m := gocv.NewMatWithSize(16, 16, gocv.MatTypeCV8UC3)
	defer m.Close()
	for _, ext := range []gocv.FileExt{gocv.PNGFileExt, gocv.JPEGFileExt} {
		buf, err := gocv.IMEncode(ext, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(buf.GetBytes()))
		buf.Close()
	}
	d, dst := NewDecoder(), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := d.Decode(data, &dst); err == nil && dst.Type() != gocv.MatTypeCV8UC3 {
			t.Errorf("type %v without an error", dst.Type())
		}
	})
}
