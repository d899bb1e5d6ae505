package aravis

// #include <stdlib.h>
// #include "api.h"
import "C"

import (
	"fmt"
	"time"
	"unsafe"
)

// Camera is one opened camera. It is for one goroutine at a time, but for Fire,
// and wants a Close.
type Camera struct{ session *C.session }

// Open takes control of the camera of that ID or address. Nobody else can set it
// until Close.
func Open(id string) (*Camera, error) {
	if err := load(); err != nil {
		return nil, err
	}
	name := C.CString(id)
	defer C.free(unsafe.Pointer(name))
	c := &Camera{}
	if err := failure(C.aravis_open(name, &c.session)); err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return c, nil
}

// Close stops the camera and gives it up. Where it is gone, this takes as long as
// Aravis waits for its answers: seconds.
func (c *Camera) Close() {
	if c != nil && c.session != nil {
		C.aravis_close(c.session)
		c.session = nil
	}
}

// Lost says whether Aravis has noticed that a USB camera is gone. Of a GigE camera
// it is never told: ask the camera itself.
func (c *Camera) Lost() bool { return C.aravis_lost(c.session) != 0 }

// GigE says whether the camera hangs on a network.
func (c *Camera) GigE() bool { return C.aravis_is_gige(c.session) != 0 }

// Feature reads a GenICam feature.
func (c *Camera) Feature(name string) (string, error) {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	var value *C.char
	if err := failure(C.aravis_get_feature(c.session, n, &value)); err != nil {
		return "", fmt.Errorf("feature %s: %w", name, err)
	}
	return text(value), nil
}

// SetFeature sets a GenICam feature; the camera may round the value.
func (c *Camera) SetFeature(name, value string) error {
	n, v := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(v))
	if err := failure(C.aravis_set_feature(c.session, n, v)); err != nil {
		return fmt.Errorf("feature %s=%s: %w", name, value, err)
	}
	return nil
}

// Exposure reads the exposure time.
func (c *Camera) Exposure() (time.Duration, error) {
	us, err := c.get(C.ARAVIS_EXPOSURE)
	return time.Duration(us * float64(time.Microsecond)), err
}

// SetExposure sets the exposure time and ends automatic exposure.
func (c *Camera) SetExposure(d time.Duration) error {
	return c.set(C.ARAVIS_EXPOSURE, float64(d)/float64(time.Microsecond))
}

// Gain reads the gain in the camera's unit, mostly dB.
func (c *Camera) Gain() (float64, error) { return c.get(C.ARAVIS_GAIN) }

// SetGain sets the gain and ends automatic gain.
func (c *Camera) SetGain(gain float64) error { return c.set(C.ARAVIS_GAIN, gain) }

// Rate reads the rate of pictures a second that the camera is set to.
func (c *Camera) Rate() (float64, error) { return c.get(C.ARAVIS_RATE) }

// SetRate sets it, and ends triggering.
func (c *Camera) SetRate(rate float64) error { return c.set(C.ARAVIS_RATE, rate) }

func (c *Camera) get(what C.int) (float64, error) {
	var value C.double
	err := failure(C.aravis_get(c.session, what, &value))
	return float64(value), err
}

func (c *Camera) set(what C.int, value float64) error {
	return failure(C.aravis_set(c.session, what, C.double(value)))
}

// Region reads the part of the sensor that is read out, in pixels.
func (c *Camera) Region() (x, y, width, height int, _ error) {
	var cx, cy, cw, ch C.int
	err := failure(C.aravis_get_region(c.session, &cx, &cy, &cw, &ch))
	return int(cx), int(cy), int(cw), int(ch), err
}

// SetRegion sets it; a negative offset, or a size of 0, stays as it is.
func (c *Camera) SetRegion(x, y, width, height int) error {
	return failure(C.aravis_set_region(c.session, C.int(x), C.int(y), C.int(width), C.int(height)))
}

// Format reads the name of the pixel format.
func (c *Camera) Format() (string, error) {
	var format *C.char
	if err := failure(C.aravis_get_format(c.session, &format)); err != nil {
		return "", err
	}
	return text(format), nil
}

// SetFormat sets the pixel format by its name, such as Mono8.
func (c *Camera) SetFormat(format string) error {
	f := C.CString(format)
	defer C.free(unsafe.Pointer(f))
	return failure(C.aravis_set_format(c.session, f))
}

// SetPacket sets the size of GigE Vision packets in bytes, headers included; 0
// finds the largest that comes through. It returns the size in force.
func (c *Camera) SetPacket(bytes int) (int, error) {
	var got C.int
	err := failure(C.aravis_set_packet(c.session, C.int(bytes), &got))
	return int(got), err
}

// SetTrigger makes each picture wait for an edge on a line, or for Fire where
// source is Software; "" lets the camera run freely.
func (c *Camera) SetTrigger(source string) error {
	if source == "" {
		return failure(C.aravis_set_trigger(c.session, nil))
	}
	s := C.CString(source)
	defer C.free(unsafe.Pointer(s))
	return failure(C.aravis_set_trigger(c.session, s))
}

// Fire is the software trigger.
func (c *Camera) Fire() error { return failure(C.aravis_fire(c.session)) }
