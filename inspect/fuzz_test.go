package inspect

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// FuzzMask holds that no file in a mask's place makes a station fall over, and
// that a mask has the size that is asked for and leaves something to judge.
func FuzzMask(f *testing.F) {
	for _, model := range []color.Model{color.GrayModel, color.Gray16Model, color.RGBA64Model} {
		m := image.NewGray16(image.Rect(0, 0, 9, 7))
		m.Set(4, 3, model.Convert(color.White))
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()/2])
	}
	f.Add([]byte("P5 3 3 255\n000000000"))
	path := filepath.Join(f.TempDir(), "mask.png")
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<20 {
			return // OpenCV has a bound of its own, at 2^30 pixels, which would only take time
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		picture, err := ReadPicture(path, 0)
		if err != nil {
			return
		}
		defer picture.Close()
		mask, err := shrinkMask(picture, 16, 12)
		if err == nil && (len(mask) != 16*12 || !bytes.Contains(mask, []byte{0})) {
			t.Errorf("a mask of %d pixels, or one of nothing", len(mask))
		}
	})
}
