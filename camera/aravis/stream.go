package aravis

// #include "api.h"
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// Picture is one buffer of the stream. Pixels is the buffer's own memory: it is
// to be read before Return, and not after.
type Picture struct {
	Pixels        []byte
	Width, Height int
	Format        Format
	ID            uint64        // counts on the camera; a gap is a picture that never came
	Stamp         time.Duration // camera's clock; since 1970 where it is set by PTP
	Arrived       time.Time     // of the first packet
	Err           error         // the picture is not whole

	buffer unsafe.Pointer
}

// ErrIncomplete is wrapped by [Picture.Err].
var ErrIncomplete = errors.New("picture did not come through whole")

// Start lets pictures come, into so many buffers.
func (c *Camera) Start(buffers int) error {
	return failure(C.aravis_start(c.session, C.int(buffers)))
}

// Grab waits for the next picture and says whether one came. The caller gives
// it back with Return.
func (c *Camera) Grab(timeout time.Duration) (Picture, bool) {
	var p C.picture
	if C.aravis_grab(c.session, C.uint64_t(timeout.Microseconds()), &p) == 0 {
		return Picture{}, false
	}
	out := Picture{
		Width: int(p.width), Height: int(p.height), Format: Format(p.format),
		ID: uint64(p.id), Stamp: time.Duration(p.stamp), Arrived: time.Unix(0, int64(p.arrival)), buffer: p.buffer,
	}
	switch {
	case p.data == nil:
		out.Err = fmt.Errorf("%w: %s", ErrIncomplete, reason(int(p.status)))
	default:
		out.Pixels = unsafe.Slice((*byte)(p.data), int(p.size))
	}
	return out, true
}

// Return gives a picture's buffer back to be filled again.
func (c *Camera) Return(p Picture) { C.aravis_return(c.session, p.buffer) }

// Statistics are the pictures of this stream so far: whole ones, broken ones, and
// those for which no buffer was free.
func (c *Camera) Statistics() (whole, broken, unbuffered uint64) {
	var w, b, u C.uint64_t
	C.aravis_statistics(c.session, &w, &b, &u)
	return uint64(w), uint64(b), uint64(u)
}

// reason explains an ArvBufferStatus (arvbuffer.h).
func reason(status int) string {
	switch status {
	case 0:
		return "it is no image"
	case 2:
		return "its last packets did not come in time"
	case 3, 4:
		return "packets are missing: check the network's MTU against the packet size, and the load of the network"
	case 5:
		return "it is larger than was announced"
	default:
		return fmt.Sprintf("buffer status %d", status)
	}
}
