package gallery

import (
	"bytes"
	"image"
	"image/color"
	jpegs "image/jpeg"
	"testing"

	"gocv.io/x/gocv"
)

// A small picture has the width that is wanted, the picture's shape, and
// everything where it was: outlines are laid over it.
func TestReduced(t *testing.T) {
	for name, c := range map[string]struct {
		w, h, width int
		want        image.Point
	}{
		"as wide":          {320, 200, 320, image.Pt(320, 200)},
		"a little wider":   {321, 241, 320, image.Pt(320, 240)},
		"twice":            {640, 480, 320, image.Pt(320, 240)},
		"odd":              {1001, 1003, 320, image.Pt(320, 320)},
		"one megapixel":    {1000, 1000, 320, image.Pt(320, 320)},
		"twelve":           {4000, 3000, 320, image.Pt(320, 240)},
		"twelve, to look":  {4000, 3000, 1600, image.Pt(1600, 1200)},
		"a line-scan line": {8192, 1, 320, image.Pt(320, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(200, 100, 50, 0), c.h, c.w, gocv.MatTypeCV8UC3)
			defer m.Close()
			corner := m.Region(image.Rect(c.w*3/4, c.h*3/4, c.w, c.h))
			corner.SetTo(gocv.NewScalar(20, 220, 240, 0))
			corner.Close()
			out, err := reduced(m, c.width)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			if got := image.Pt(out.Cols(), out.Rows()); abs(got.X-c.want.X) > 0 || abs(got.Y-c.want.Y) > 1 {
				t.Errorf("%v pixels, want %v", got, c.want)
			}
			at := func(x, y int) [3]uint8 { v := out.GetVecbAt(y, x); return [3]uint8{v[0], v[1], v[2]} }
			w, h := out.Cols(), out.Rows()
			if got := at(w/2, h/2); got != [3]uint8{200, 100, 50} {
				t.Errorf("the middle became %d", got)
			}
			if got := at(w*7/8, h*7/8); got != [3]uint8{20, 220, 240} && h > 1 {
				t.Errorf("the corner became %d", got)
			}
			if got := at(w*3/4-3, h-1); got != [3]uint8{200, 100, 50} && h > 1 {
				t.Errorf("beside the corner it became %d", got)
			}
		})
	}
}

func abs(n int) int { return max(n, -n) }

// What is shown is bounded, whatever the camera; what is kept is not touched.
func TestWholePictureOfALargeCamera(t *testing.T) {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 60, 60, 0), 1500, 2*wholeWidth+400, gocv.MatTypeCV16UC1)
	defer m.Close()
	data, err := small(m, wholeWidth, jpegQuality)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpegs.Decode(bytes.NewReader(data))
	if err != nil || picture.Bounds().Dx() != wholeWidth {
		t.Fatalf("%v, %v", picture.Bounds(), err)
	}
	if _, grey := picture.At(3, 3).(color.Gray); !grey {
		t.Errorf("a grey picture became %T", picture.At(3, 3))
	}
}
