package libav

// #include <stdlib.h>
// #include "decoder.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
}

// look reads an access unit's headers and returns what libavcodec gets of it.
func (d *Decoder) look(p packet) (u unit, data []byte) {
	if d.headers == nil {
		u, data = unit{coded: true, key: d.isKey(p), hidden: d.codec == "vp8" && p.data[0]&0x10 == 0}, p.data // show_frame
	} else {
		u, data = d.read(p)
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
	d.pending.broken(d.threads, err)
}

// finish asks libavcodec for what it holds back.
func (d *Decoder) finish(state drainState) {
	if d.drain != ended {
		d.drain = state
		d.check(C.lav_send(d.c, nil, 0, 0))
	}
}

// Receive writes the next picture to dst, reusing its memory, as 8-bit BGR. The
// error wraps [fault.ErrImage] where there is one that must not be used, whose
// Picture has no Form, is ErrAgain where there is none yet, and io.EOF at the end;
// dst then means nothing.
func (d *Decoder) Receive(dst *gocv.Mat) (Picture, error) {
	for {
		d.fetch()
		if e, ok := d.pending.dead(); ok {
			if e.hidden {
				continue
			}
			return Picture{PTS: e.pts, Key: e.key}, e.err
		}
		if d.held != nil {
			if p, ok, err := d.deliver(dst); ok {
				return p, err
			}
			continue
		}
		switch {
		case d.drain == ended:
			return Picture{}, io.EOF
		case d.drain != decoding || d.empty || !d.pending.hopeless():
			return Picture{}, ErrAgain
		}
		d.finish(draining) // what is good of a spoiled group comes out before its next key picture
	}
}

// fetch holds the next picture of libavcodec and looks for damage in those that
// it was built on.
func (d *Decoder) fetch() {
	for d.held == nil && d.drain != ended {
		var p C.lav_picture
		switch code := C.lav_receive(d.c, &p); {
		case code == C.LAV_AGAIN:
			return
		case code == C.LAV_END:
			d.emptied()
			return
		case code != C.LAV_OK:
			d.check(code)
		default:
			d.held = &p
			d.verify(int64(p.tag))
			if p.flagged != 0 {
				d.pending.damage(int64(p.tag), fault.Damaged("the decoder marks it as corrupt"))
			}
		}
	}
}

// emptied is called once libavcodec has given everything.
func (d *Decoder) emptied() {
	d.verify(d.tag)
	d.pending.lost()
	if d.drain == ending {
		d.drain = ended
		return
	}
	d.reset()
}

// reset gives libavcodec a fresh start. Should that fail, every Send will.
func (d *Decoder) reset() {
	C.lav_reset(d.c)
	d.drain, d.empty = decoding, true
	if d.headers != nil {
		d.carry = append(d.headers.sets(), d.carry...)
	}
}

// verify looks at the pictures decoded up to a tag for blocks never written.
func (d *Decoder) verify(tag int64) {
	for {
		bad := int64(C.lav_incomplete(d.c, C.int64_t(tag)))
		if bad < 0 {
			break
		}
		d.pending.damage(bad, fault.Incomplete("a part of it was not decoded: a slice is missing, cut short or damaged"))
	}
	d.pending.shown(tag)
}

// deliver answers for the held picture. ok is false where it was answered for
// before.
func (d *Decoder) deliver(dst *gocv.Mat) (_ Picture, ok bool, _ error) {
	p := d.held
	d.held = nil
	e, ok := d.pending.take(int64(p.tag))
	if !ok || e.hidden {
		return Picture{}, false, nil
	}
	out := Picture{PTS: e.pts, Key: e.key}
	if err := d.pending.fault(&e); err != nil {
		return out, true, err
	}
	out.Form = Form{
		Width: int(p.width), Height: int(p.height), PixelFormat: goString(p.format),
		FullRange: p.full_range != 0, Matrix: goString(p.matrix),
	}
	if dst == nil {
		return out, true, nil
	}
	return out, true, d.convert(out.Form, dst)
}

// convert writes the held picture to dst.
func (d *Decoder) convert(f Form, dst *gocv.Mat) error {
	if dst.Rows() != f.Height || dst.Cols() != f.Width || dst.Type() != gocv.MatTypeCV8UC3 || !dst.IsContinuous() {
		if err := dst.Close(); err != nil {
			return err
		}
		*dst = gocv.NewMatWithSize(f.Height, f.Width, gocv.MatTypeCV8UC3)
	}
	pixels, err := dst.DataPtrUint8()
	if err != nil {
		return err
	}
	if code := C.lav_convert(d.c, (*C.uint8_t)(&pixels[0]), C.int(f.Width*3)); code < 0 {
		return fault.Damaged("%v cannot be converted to BGR: %w", f, libraryError(code))
	}
	return nil
}
