package imagefile

import (
	"fmt"
	"math"

	"faird/camera/fault"
)

// Header is what an image says of itself before its pixels are decoded.
type Header struct {
	Format        string // "JPEG", "PNG", "TIFF", "BMP", "WebP", "PNM"
	Pixels        string // such as "YCbCr 4:2:0 8-bit" or "grey 12-bit"
	Width, Height int
	PixelBytes    int // bytes that decoding takes for each pixel: three, or more for deep samples and alpha
}

// String names the image for an error.
func (h Header) String() string {
	return fmt.Sprintf("a %s of %dx%d pixels (%s)", h.Format, h.Width, h.Height, h.Pixels)
}

// bgrBytes is what a pixel takes in the decoded image.
const bgrBytes = 3

// Within returns a fault.TooLarge if decoding the image would take more memory
// than maxPixels pixels of three bytes.
func (h Header) Within(maxPixels int) error {
	need := float64(h.Width) * float64(h.Height) * float64(max(h.PixelBytes, bgrBytes)) // beyond 64 bits for some headers
	limit := bgrBytes * float64(maxPixels)
	if need <= limit {
		return nil
	}
	return fault.TooLarge("%s takes %.1f MB decoded, the limit is %.1f MB: raise camera.max_pixels (--max-pixels) from %d to %.0f to read it",
		h, need/1e6, limit/1e6, maxPixels, math.Ceil(need/bgrBytes))
}

// ReadHeader reads what data, an encoded image, says of itself. It allocates no
// memory for pixels and sets no limit on their number.
func ReadHeader(data []byte) (Header, error) {
	f, err := formatOf(data)
	if err != nil {
		return Header{}, err
	}
	return f.header(data)
}

// pixelName is such as "grey 8-bit", without an allocation for what is usual.
func pixelName(colour string, bits int) string {
	switch {
	case colour == "grey" && bits == 8:
		return "grey 8-bit"
	case colour == "RGB" && bits == 8:
		return "RGB 8-bit"
	}
	return fmt.Sprintf("%s %d-bit", colour, bits)
}
