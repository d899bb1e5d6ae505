package camera

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"faird/camera/aravis"

	"gocv.io/x/gocv"
)

func convert(t *testing.T, p aravis.Picture) gocv.Mat {
	t.Helper()
	x, dst := newPixels(), gocv.NewMat()
	t.Cleanup(x.close)
	t.Cleanup(func() { dst.Close() })
	if err := x.convert(p, &dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestDeepPixelsAreScaledByTheRule(t *testing.T) {
	for format, bits := range map[aravis.Format]int{aravis.Mono10: 10, aravis.Mono12: 12, aravis.Mono14: 14, aravis.Mono16: 16} {
		top := 1<<bits - 1
		raw := make([]byte, 0, 2*(top+1))
		for v := range top + 1 {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
		}
		m := convert(t, aravis.Picture{Pixels: raw, Width: top + 1, Height: 1, Format: format})
		got, err := m.DataPtrUint8()
		if err != nil || m.Type() != gocv.MatTypeCV8UC3 {
			t.Fatal(m.Type(), err)
		}
		for v := range top + 1 {
			want := float64(v) * 255 / float64(top)
			if off := math.Abs(float64(got[3*v]) - want); off > 0.5+1e-3 || got[3*v] != got[3*v+1] || got[3*v] != got[3*v+2] {
				t.Fatalf("%v: value %d of %d became %v, want round(%.3f)", format, v, top, got[3*v:3*v+3], want)
			}
		}
	}
}

// A red surface seen through each colour filter pattern is red.
func TestBayerPatternsGiveTrueColours(t *testing.T) {
	const side = 8
	for format, red := range map[aravis.Format][2]int{ // row and column of the red pixel
		aravis.BayerRG8: {0, 0}, aravis.BayerGR8: {0, 1}, aravis.BayerGB8: {1, 0}, aravis.BayerBG8: {1, 1},
		aravis.BayerRG12: {0, 0}, aravis.BayerGR12: {0, 1}, aravis.BayerGB12: {1, 0}, aravis.BayerBG12: {1, 1},
	} {
		raw := make([]byte, side*side*format.Bits()/8)
		for y := range side {
			for x := range side {
				if y%2 != red[0] || x%2 != red[1] {
					continue
				}
				if at := y*side + x; format.Bits() == 8 {
					raw[at] = 200
				} else {
					binary.LittleEndian.PutUint16(raw[2*at:], 200*16)
				}
			}
		}
		m := convert(t, aravis.Picture{Pixels: raw, Width: side, Height: side, Format: format})
		if p := m.GetVecbAt(side/2, side/2); p[2] < 150 || p[1] > 20 || p[0] > 20 {
			t.Errorf("%v: red became BGR %v", format, p)
		}
	}
}

func TestColourFormats(t *testing.T) {
	for format, raw := range map[aravis.Format][]byte{
		aravis.RGB8:       {30, 20, 10, 30, 20, 10},
		aravis.BGR8:       {10, 20, 30, 10, 20, 30},
		aravis.YUV422UYVY: {128, 77, 128, 77},
		aravis.YUV422YUYV: {77, 128, 77, 128},
	} {
		m := convert(t, aravis.Picture{Pixels: raw, Width: 2, Height: 1, Format: format})
		p := m.GetVecbAt(0, 1)
		want := [3]byte{10, 20, 30}
		if format == aravis.YUV422UYVY || format == aravis.YUV422YUYV {
			want = [3]byte{71, 71, 71} // Y of 16..235
		}
		for i := range want {
			if math.Abs(float64(p[i])-float64(want[i])) > 1 {
				t.Errorf("%v became BGR %v, want %v", format, p, want)
			}
		}
	}
}

func TestPicturesThatCannotBeRead(t *testing.T) {
	x, dst := newPixels(), gocv.NewMat()
	defer x.close()
	defer dst.Close()
	for want, p := range map[string]aravis.Picture{
		"0x010c0047": {Pixels: make([]byte, 100), Width: 4, Height: 4, Format: 0x010c0047}, // Mono12p
		"15 bytes":   {Pixels: make([]byte, 15), Width: 4, Height: 4, Format: aravis.Mono8},
		"0x4":        {Pixels: make([]byte, 15), Width: 0, Height: 4, Format: aravis.Mono8},
	} {
		if err := x.convert(p, &dst); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}
