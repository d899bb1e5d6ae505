package libav

// #include "decoder.h"
import "C"

import (
	"io"

	"faird/camera/fault"

	"gocv.io/x/gocv"
)

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
		if d.drain == ended {
			return Picture{}, io.EOF
		}
		return Picture{}, ErrAgain
	}
}

// fetch holds the next picture of libavcodec and looks for damage in those that
// it was built on. Once a group is spoiled, what is good of it is taken out at once
// and libavcodec gets its fresh start: the next access unit may be a key picture.
func (d *Decoder) fetch() {
	for d.held == nil && d.drain != ended {
		if d.drain == decoding && !d.empty && d.pending.hopeless() {
			d.finish(draining)
		}
		var p C.lav_picture
		code := C.lav_receive(d.c, &p)
		d.heed()
		switch {
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
	d.drain, d.empty, d.failed = decoding, true, false
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
