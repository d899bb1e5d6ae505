package libav

import "faird/camera/fault"

// limit is how large a decoded picture may be, in bytes; at least three are
// counted for each pixel.
type limit int64

func newLimit(maxPixels int) limit { return 3 * limit(maxPixels) }

// check refuses a picture before memory is allocated for it.
func (l limit) check(width, height uint64, channels, depth uint32) error {
	size := uint64(max(3, channels*((depth+7)/8)))
	if pixels := width * height; width > 1<<16 || height > 1<<16 || pixels*size > uint64(l) {
		return fault.TooLarge("%dx%d pixels of %d bytes exceed the limit of %d bytes (camera.max_pixels)", width, height, size, int64(l))
	}
	return nil
}
