package config

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
)

// references reads the picture that a station is aligned to: whether it holds
// the mark and the regions, and whether the mark can be found again.
func (k *checker) references(key string, s *Station) {
	if s.Align == nil {
		return
	}
	f, err := os.Open(s.Align.Reference)
	if err != nil {
		return // said already
	}
	defer f.Close()
	if why := whyNotPNG(f, s.Camera.MaxPixels); why != "" {
		k.bad(key+".align.reference", s.Align.Reference+": "+why, "save a whole picture of the camera as PNG, as faird collect does for a station without roi")
		return
	}
	picture, err := decodeAgain(f)
	if err != nil {
		k.bad(key+".align.reference", s.Align.Reference+": "+err.Error(), "save it anew: it is cut short or damaged")
		return
	}
	all := picture.Bounds()
	size := fmt.Sprintf("%dx%d", all.Dx(), all.Dy())
	if mark := s.Align.Mark; !rectangle(mark).Add(all.Min).In(all) {
		k.bad(key+".align.mark", fmt.Sprintf("ends at %d,%d, the reference has %s pixels", mark.X+mark.W, mark.Y+mark.H, size), "give a place in the reference")
	} else if d := deviation(picture, rectangle(mark).Add(all.Min)); d < FlatMark {
		k.bad(key+".align.mark", fmt.Sprintf("is flat: its standard deviation is %.1f of 255 grey levels, %g is needed", d, FlatMark), "choose a place that stands out, with a corner")
	}
	k.inReference(key+".roi", s.ROI, all, size)
	for i, r := range s.Regions {
		k.inReference(k.item(key+".regions", i)+".roi", r.ROI, all, size)
	}
}

// whyNotPNG looks at an image's header: the decoder allocates memory for the pixels
// before it has seen any. An image within the limit takes as much memory as maxPixels
// pixels of three bytes, or less.
func whyNotPNG(r io.Reader, maxPixels int) string {
	head, err := png.DecodeConfig(r)
	if err != nil {
		return "not a PNG picture"
	}
	bytes := 3.0 // of a pixel
	switch head.ColorModel {
	case color.NRGBAModel:
		bytes = 4
	case color.RGBA64Model:
		bytes = 6
	case color.NRGBA64Model:
		bytes = 8
	}
	if need := float64(head.Width) * float64(head.Height) * bytes; need > 3*float64(maxPixels) {
		return fmt.Sprintf("%dx%d pixels take %.0f MB decoded, more than %.0f MB, which is %d pixels of three bytes (camera.max_pixels)",
			head.Width, head.Height, need/1e6, 3*float64(maxPixels)/1e6, maxPixels)
	}
	return ""
}

// decodeAgain reads a picture from its file's beginning.
func decodeAgain(f io.ReadSeeker) (image.Image, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return png.Decode(f)
}

func (k *checker) inReference(key string, roi *Rect, all image.Rectangle, size string) {
	if roi != nil && !rectangle(*roi).Add(all.Min).In(all) {
		k.bad(key, fmt.Sprintf("ends at %d,%d, but the camera's picture, align.reference, has %s pixels", roi.X+roi.W, roi.Y+roi.H, size), "correct roi, or take the reference from this camera")
	}
}

func rectangle(r Rect) image.Rectangle { return image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H) }

// deviation is the standard deviation of the grey levels, 0..255.
func deviation(picture image.Image, r image.Rectangle) float64 {
	var sum, squares float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := float64(color.Gray16Model.Convert(picture.At(x, y)).(color.Gray16).Y) / 257
			sum += v
			squares += v * v
		}
	}
	n := float64(r.Dx() * r.Dy())
	return math.Sqrt(max(0, squares/n-sum/n*(sum/n)))
}
