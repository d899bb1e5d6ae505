// Package gst plays GStreamer pipelines that end in an appsink. OpenCV can do
// that too, but its open and read wait for ever, it says nothing of the cause, and
// a pipeline that does not start can bring the whole process down. The library is
// looked for when it is first asked for. The package decides nothing, retries
// nothing, and never copies a picture.
package gst

// #include <stdlib.h>
// #include "api.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unsafe"
)

// The libraries' sonames, whose binary interface api.h declares.
const (
	core = "libgstreamer-1.0.so.0"
	app  = "libgstapp-1.0.so.0"
)

var load = sync.OnceValue(func() error {
	c, a := C.CString(core), C.CString(app)
	defer C.free(unsafe.Pointer(c))
	defer C.free(unsafe.Pointer(a))
	if err := failure(C.gst_load(c, a)); err != nil {
		return fmt.Errorf("gstreamer is not to be had: %w: install Debian's packages libgstreamer1.0-0 and libgstreamer-plugins-base1.0-0", err)
	}
	return nil
})

// Load says why there is no GStreamer on this machine, or nil.
func Load() error { return load() }

// Has says whether there is an element of that name.
func Has(element string) bool {
	if load() != nil {
		return false
	}
	name := C.CString(element)
	defer C.free(unsafe.Pointer(name))
	return C.gst_has(name) != 0
}

// failure makes an error of what a C function returned, and frees it.
func failure(why *C.char) error {
	if why == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(why))
	return errors.New(C.GoString(why))
}

// Pipeline is one that plays. It is for one goroutine and wants a Close.
type Pipeline struct{ p *C.pipeline }

// Open starts a pipeline whose appsink has that name. It does not wait until it
// plays.
func Open(text, sink string) (*Pipeline, error) {
	if err := load(); err != nil {
		return nil, err
	}
	t, s := C.CString(text), C.CString(sink)
	defer C.free(unsafe.Pointer(t))
	defer C.free(unsafe.Pointer(s))
	p := &Pipeline{}
	return p, failure(C.gst_open(t, s, &p.p))
}

// Await waits until the pipeline plays and says whether it does.
func (p *Pipeline) Await(timeout time.Duration) (playing bool, _ error) {
	var why *C.char
	state := C.gst_await(p.p, C.uint64_t(timeout.Nanoseconds()), &why)
	return state == C.GST_FRAME, failure(why)
}

// Picture is one sample. Pixels is its own memory: it is to be read before
// Release, and not after.
type Picture struct {
	Pixels        []byte
	Width, Height int
	Format        string        // GStreamer's name of the pixel format
	PTS           time.Duration // presentation time; negative where the buffer has none
	Corrupted     bool          // an element, such as a decoder, knows that the data are damaged
	Gap           bool          // an element, such as videorate, filled a gap in the stream with it

	frame C.frame
}

// Release gives the sample back.
func (p *Picture) Release() { C.gst_drop(&p.frame) }

// Pull waits for the next picture and says whether one came. io.EOF is the end of
// the stream.
func (p *Pipeline) Pull(timeout time.Duration) (picture Picture, came bool, _ error) {
	var why *C.char
	switch C.gst_pull(p.p, C.uint64_t(timeout.Nanoseconds()), &picture.frame, &why) {
	case C.GST_FRAME:
		f := &picture.frame
		picture.Pixels = unsafe.Slice((*byte)(f.data), int(f.size))
		picture.Width, picture.Height, picture.Format = int(f.width), int(f.height), C.GoString(f.format)
		picture.PTS, picture.Corrupted, picture.Gap = time.Duration(f.pts), f.corrupted != 0, f.gap != 0
		return picture, true, nil
	case C.GST_ENDED:
		return picture, false, io.EOF
	}
	return picture, false, failure(why)
}

// Close stops the pipeline.
func (p *Pipeline) Close() {
	if p != nil && p.p != nil {
		C.gst_close(p.p)
		p.p = nil
	}
}
