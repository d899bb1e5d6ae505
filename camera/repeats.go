package camera

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sync"

	"faird/camera/fault"
)

// repeats recognizes an encoded image that is the one before once more. No sensor
// gives the same bytes twice, because of its noise; a server whose sensor stands
// still does. It outlives the connection: many servers begin a new one with their
// last image. The bytes are compared by a 64-bit hash.
type repeats struct {
	seed maphash.Seed

	mu   sync.Mutex
	last uint64 // 0 is none
}

func newRepeats() *repeats { return &repeats{seed: maphash.MakeSeed()} }

// check returns a fault if the image is the one of the call before.
func (r *repeats) check(image []byte) error {
	sum := maphash.Bytes(r.seed, withoutMetadata(image))
	r.mu.Lock()
	defer r.mu.Unlock()
	if sum == r.last {
		return fault.Repeated("the camera sent the image before once more: is its sensor standing still?")
	}
	r.last = sum
	return nil
}

// withoutMetadata is a JPEG without what comes before its quantization tables. Servers
// write the time of sending into comments, EXIF and other metadata there.
func withoutMetadata(image []byte) []byte {
	if !bytes.HasPrefix(image, []byte{0xff, 0xd8}) {
		return image
	}
	for b := image[2:]; len(b) >= 4 && b[0] == 0xff; {
		if b[1] != 0xfe && b[1]&0xf0 != 0xe0 { // neither a comment nor an application's segment
			return b
		}
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if size < 4 || size > len(b) {
			return image
		}
		b = b[size:]
	}
	return image
}
