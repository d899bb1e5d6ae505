package imagefile

import (
	"fmt"

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
	need := int64(h.Width) * int64(h.Height) * int64(max(h.PixelBytes, bgrBytes))
	if need <= bgrBytes*int64(maxPixels) {
		return nil
	}
	return fault.TooLarge("%s takes %d MB decoded, the limit is %d MB: raise camera.max_pixels (--max-pixels) from %d to %d to read it",
		h, need/1e6, bgrBytes*int64(maxPixels)/1e6, maxPixels, (need+bgrBytes-1)/bgrBytes)
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
