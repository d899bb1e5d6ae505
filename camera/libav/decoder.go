package libav

// #include <stdlib.h>
// #include "decoder.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"faird/camera/fault"
	"faird/config"

	"gocv.io/x/gocv"
)

var (
	// ErrAgain says that the decoder needs another access unit first.
	ErrAgain = errors.New("the decoder needs more data")
	// ErrNoKey is wrapped by the fault of every picture before the first key
	// picture, after opening and after Flush.
	ErrNoKey = fault.Incomplete("no key picture came yet")
)

// Options of a decoder.
type Options struct {
	Codec     string // FFmpeg's name: "h264", "hevc", "mpeg4", …
	Extradata []byte // parameter sets from outside the stream: Annex B, avcC or hvcC
	MaxPixels int    // of one picture with three bytes a pixel; 0: [config.DefaultMaxPixels]
	// Threads for one stream; 0 or 1: the caller's alone. More than one decode
	// several pictures at once, which delays them by as many pictures, or, with
	// LowDelay, the slices of one picture.
	Threads  int
	LowDelay bool
}

// Decoder decodes one video stream, access unit by access unit. For each coded
// picture, in order of output, it delivers either the whole picture or a fault.
// It is for one goroutine.
type Decoder struct {
	c       *C.lav_decoder
	headers headers // nil for codecs whose headers are not read here
	codec   string
	framing framing
	carry   [][]byte // parameter sets that go with the next access unit
	data    []byte   // what libavcodec gets, reused
	threads int

	pending pending
	tag     int64
	held    *C.lav_picture // the picture libavcodec gave last, not delivered yet
	drain   drainState
	empty   bool // libavcodec holds nothing
	failed  bool // libavcodec has met an error
}

// drainState is how far the decoder is on its way to being empty.
type drainState int

const (
	decoding drainState = iota
	draining            // for the pictures before a damaged one
	ending              // the stream ended
	ended
)

// NewDecoder returns a decoder, which the caller closes.
func NewDecoder(o Options) (*Decoder, error) { return newDecoder(o, nil) }

// newDecoder takes the AVCodecParameters of a container, too.
func newDecoder(o Options, parameters unsafe.Pointer) (*Decoder, error) {
	if o.MaxPixels <= 0 {
		o.MaxPixels = config.DefaultMaxPixels
	}
	d := &Decoder{codec: o.Codec, threads: max(o.Threads, 1), headers: newHeaders(o.Codec, newLimit(o.MaxPixels)), empty: true}
	extradata := o.Extradata
	if d.headers != nil {
		var nals [][]byte
		var err error
		if d.framing, nals, err = parameterSets(o.Codec, o.Extradata); err != nil {
			return nil, err
		}
		d.headers.parameters(nals)
		extradata = join(nil, nals...)
	} else {
		d.threads = 1
	}
	codec, extra := C.CString(o.Codec), C.CBytes(extradata)
	defer C.free(unsafe.Pointer(codec))
	defer C.free(extra)
	options := C.lav_options{
		codec: codec, extradata: (*C.uint8_t)(extra), extradata_size: C.int(len(extradata)),
		threads: C.int(d.threads), max_bytes: C.int64_t(newLimit(o.MaxPixels)), parameters: parameters,
	}
	if d.threads > 1 && !o.LowDelay {
		options.frame_threads = 1
	}
	if code := C.lav_open(&options, &d.c); code < 0 {
		return nil, fmt.Errorf("decoder %q: %w: does this FFmpeg have one?", o.Codec, libraryError(code))
	}
	return d, nil
}

// Close frees the decoder.
func (d *Decoder) Close() error {
	C.lav_close(d.c)
	d.c = nil
	return nil
}

// Flush forgets everything: after a loss or a jump nothing is delivered before
// the next key picture. Pictures not received yet are dropped.
func (d *Decoder) Flush() {
	d.reset()
	d.pending, d.held = pending{}, nil
	if d.headers != nil {
		d.headers.forget()
	}
}

// Decode is for streams without reordering: one access unit in, one answer out.
// The error is ErrAgain where the access unit held no picture, or where a stream
// reorders its pictures after all; more pictures are then had with Receive.
func (d *Decoder) Decode(accessUnit []byte, pts int64, dst *gocv.Mat) (Picture, error) {
	d.Send(accessUnit, pts)
	return d.Receive(dst)
}

// Send gives the decoder one access unit, of which it keeps nothing. Everything is
// to be received before the next Send.
func (d *Decoder) Send(accessUnit []byte, pts int64) { d.send(packet{data: accessUnit, pts: pts}) }

// End says that nothing follows: Receive then gives what is left and io.EOF.
func (d *Decoder) End() { d.finish(ending) }

func (d *Decoder) send(p packet) {
	if len(p.data) == 0 {
		return
	}
	u, data := d.look(p)
	if !u.coded {
		return
	}
	if u.second {
		d.pending.damage(d.tag, u.err)
	} else {
		d.tag++
		d.pending.add(d.tag, p.pts, u)
	}
	if d.failed { // nobody has received since, which is when it gets its fresh start
		d.pending.damage(d.tag, errLost)
	}
	e := d.pending.entry(d.tag)
	if e == nil || len(data) == 0 || d.pending.fault(e) != nil {
		return
	}
	e.sent, d.empty = true, false
	if d.headers == nil && p.whole != nil {
		d.check(C.lav_forward(d.c, p.whole, C.int64_t(e.tag)))
	} else {
		d.check(C.lav_send(d.c, (*C.uint8_t)(&data[0]), C.int(len(data)), C.int64_t(e.tag)))
	}
	d.heed()
}

// heed takes what libavcodec has logged since it was last asked for damage of the
// access unit sent last: it may put something else in the place of what it could not
// decode, and return no error. FFV1 does so with a slice whose checksum is wrong. Of
// codecs whose headers are read here, messages are no sign of damage.
func (d *Decoder) heed() {
	if C.lav_complained(d.c) != 0 && d.headers == nil {
		d.pending.damage(d.tag, fault.Damaged("the decoder reports an error in it"))
	}
}

// noTrailer is no end of an FFV1 picture: its slices end with their size and a
// checksum (RFC 9043, 4.9), which holds for zeros too.
var noTrailer = make([]byte, 8)

// look reads an access unit's headers and returns what libavcodec gets of it.
func (d *Decoder) look(p packet) (u unit, data []byte) {
	if d.headers == nil {
		u, data = unit{coded: true, key: d.isKey(p), hidden: d.codec == "vp8" && p.data[0]&0x10 == 0}, p.data // show_frame
	} else {
		u, data = d.read(p)
	}
	if d.codec == "ffv1" && bytes.HasSuffix(p.data, noTrailer) {
		u.err = fault.Damaged("it ends in zeros")
	}
	u.hidden = u.hidden || p.hidden
	if u.err == nil {
		u.err = p.err
	}
	return u, data
}

func (d *Decoder) isKey(p packet) bool {
	key := C.lav_is_key(d.c, (*C.uint8_t)(&p.data[0]), C.int(len(p.data)))
	return key > 0 || (key < 0 && p.key)
}

func (d *Decoder) read(p packet) (unit, []byte) {
	if p.err != nil { // nor are parameter sets in it to be trusted
		return unit{coded: true, err: p.err}, nil
	}
	if _, sets, err := parameterSets(d.codec, p.extradata); err == nil {
		d.headers.parameters(sets)
		d.keep(sets)
	}
	nals, err := d.framing.split(p.data)
	if err != nil {
		return unit{coded: true, err: err}, nil
	}
	u := d.headers.read(nals)
	if !u.coded {
		d.keep(nals)
		return u, nil
	}
	d.data = d.headers.write(d.data[:0], append(d.carry, nals...))
	d.carry = nil
	return u, d.data
}

// keep holds parameter sets and messages that came in a packet of their own.
func (d *Decoder) keep(nals [][]byte) {
	const most = 64
	for _, nal := range nals {
		if len(nal) <= 1<<16 {
			d.carry = append(d.carry, bytes.Clone(nal))
		}
	}
	d.carry = d.carry[max(0, len(d.carry)-most):]
}

// check notes the failure of the access unit that libavcodec has decoded last.
// With frame threads it may be any of the last ones.
func (d *Decoder) check(code C.int) {
	var err error
	switch {
	case code == C.LAV_TOO_LARGE:
		var w, h C.int
		C.lav_refused(d.c, &w, &h)
		err = fault.TooLarge("%dx%d pixels exceed camera.max_pixels", w, h)
	case code < 0:
		err = fault.Damaged("the decoder says: %w", libraryError(code))
	default:
		return
	}
	d.failed = true
	d.pending.broken(d.threads, err)
}

// finish asks libavcodec for what it holds back.
func (d *Decoder) finish(state drainState) {
	if d.drain != ended {
		d.drain = state
		d.check(C.lav_send(d.c, nil, 0, 0))
	}
}
