package camera

import (
	"fmt"

	"gocv.io/x/gocv"

	"faird/camera/aravis"
)

// pixels brings a camera's pixels to 8-bit BGR with as few passes as OpenCV has
// for it. Its buffers are reused; it is for one goroutine.
type pixels struct{ shallow gocv.Mat }

func newPixels() pixels { return pixels{gocv.NewMat()} }

func (p *pixels) close() {
	if p.shallow.Ptr() != nil {
		_ = p.shallow.Close()
	}
}

// layout is how a format lies in memory and what makes BGR of it.
type layout struct {
	kind   gocv.MatType
	depth  int // significant bits of a 16-bit pixel; 0 for 8-bit ones
	colour gocv.ColorConversionCode
	plain  bool // it is BGR already
}

// layouts of the formats that faird takes. OpenCV names a Bayer pattern by its
// second row, PFNC by its first.
var layouts = map[aravis.Format]layout{
	aravis.Mono8:        {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorGrayToBGR},
	aravis.Mono10:       {kind: gocv.MatTypeCV16UC1, depth: 10, colour: gocv.ColorGrayToBGR},
	aravis.Mono12:       {kind: gocv.MatTypeCV16UC1, depth: 12, colour: gocv.ColorGrayToBGR},
	aravis.Mono14:       {kind: gocv.MatTypeCV16UC1, depth: 14, colour: gocv.ColorGrayToBGR},
	aravis.Mono16:       {kind: gocv.MatTypeCV16UC1, depth: 16, colour: gocv.ColorGrayToBGR},
	aravis.BayerRG8:     {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorBayerBGToBGR},
	aravis.BayerGR8:     {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorBayerGBToBGR},
	aravis.BayerGB8:     {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorBayerGRToBGR},
	aravis.BayerBG8:     {kind: gocv.MatTypeCV8UC1, colour: gocv.ColorBayerRGToBGR},
	aravis.BayerRG10:    {kind: gocv.MatTypeCV16UC1, depth: 10, colour: gocv.ColorBayerBGToBGR},
	aravis.BayerGR10:    {kind: gocv.MatTypeCV16UC1, depth: 10, colour: gocv.ColorBayerGBToBGR},
	aravis.BayerGB10:    {kind: gocv.MatTypeCV16UC1, depth: 10, colour: gocv.ColorBayerGRToBGR},
	aravis.BayerBG10:    {kind: gocv.MatTypeCV16UC1, depth: 10, colour: gocv.ColorBayerRGToBGR},
	aravis.BayerRG12:    {kind: gocv.MatTypeCV16UC1, depth: 12, colour: gocv.ColorBayerBGToBGR},
	aravis.BayerGR12:    {kind: gocv.MatTypeCV16UC1, depth: 12, colour: gocv.ColorBayerGBToBGR},
	aravis.BayerGB12:    {kind: gocv.MatTypeCV16UC1, depth: 12, colour: gocv.ColorBayerGRToBGR},
	aravis.BayerBG12:    {kind: gocv.MatTypeCV16UC1, depth: 12, colour: gocv.ColorBayerRGToBGR},
	aravis.RGB8:         {kind: gocv.MatTypeCV8UC3, colour: gocv.ColorRGBToBGR},
	aravis.BGR8:         {kind: gocv.MatTypeCV8UC3, plain: true},
	aravis.YUV422UYVY:   {kind: gocv.MatTypeCV8UC2, colour: gocv.ColorYUVToBGRUYVY},
	aravis.YCbCr422UYVY: {kind: gocv.MatTypeCV8UC2, colour: gocv.ColorYUVToBGRUYVY},
	aravis.YUV422YUYV:   {kind: gocv.MatTypeCV8UC2, colour: gocv.ColorYUVToBGRYUY2},
	aravis.YCbCr422YUYV: {kind: gocv.MatTypeCV8UC2, colour: gocv.ColorYUVToBGRYUY2},
}

// convert writes a picture as 8-bit BGR into dst. A pixel of n significant bits
// becomes round(255 v / (2^n - 1)).
func (x *pixels) convert(p aravis.Picture, dst *gocv.Mat) error {
	l, ok := layouts[p.Format]
	if !ok {
		return fmt.Errorf("the camera sends %v, which faird does not read: set pixel to Mono8, Mono10, Mono12, Mono16, a Bayer format of 8, 10 or 12 bits (not packed), RGB8 or BGR8", p.Format)
	}
	want := p.Width * p.Height * p.Format.Bits() / 8
	if p.Width < 1 || p.Height < 1 || len(p.Pixels) < want {
		return fmt.Errorf("the camera sent %d bytes for %dx%d pixels of %v", len(p.Pixels), p.Width, p.Height, p.Format)
	}
	return x.convertRows(p.Pixels[:want], p.Width, p.Height, l, dst)
}

// convertRows converts pixels that lie in memory without gaps.
func (x *pixels) convertRows(data []byte, width, height int, l layout, dst *gocv.Mat) error {
	raw, err := gocv.NewMatFromBytes(height, width, l.kind, data) // the memory itself, not a copy
	if err != nil {
		return err
	}
	defer raw.Close()
	return x.finish(raw, l, dst)
}

// finish brings raw pixels to 8 bits and to BGR.
func (x *pixels) finish(raw gocv.Mat, l layout, dst *gocv.Mat) error {
	from := &raw
	if l.depth != 0 {
		if err := raw.ConvertToWithParams(&x.shallow, gocv.MatTypeCV8UC1, float32(255/float64(int(1)<<l.depth-1)), 0); err != nil {
			return err
		}
		from = &x.shallow
	}
	if l.plain {
		return from.CopyTo(dst)
	}
	return gocv.CvtColor(*from, dst, l.colour)
}
