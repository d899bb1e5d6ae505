package libav

// #include <stdlib.h>
// #include "reader.h"
import "C"

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"faird/camera/fault"
	"faird/config"

	"gocv.io/x/gocv"
)

// Reader reads the first video stream of a file and answers for each of its coded
// pictures. It is for one goroutine.
type Reader struct {
	c       *C.lav_reader
	options Options
	decoder packetDecoder
	next    *packet // read and not sent yet
	broken  error   // how a file breaks off, until that was said
}

// packetDecoder decodes one codec's packets.
type packetDecoder interface {
	send(p packet)
	End()
	Receive(dst *gocv.Mat) (Picture, error)
	Close() error
}

// packet is an access unit with what its container says about it.
type packet struct {
	data      []byte
	whole     unsafe.Pointer // the AVPacket, where there is a container
	pts       int64
	key       bool
	hidden    bool   // outside of what the container says is to be shown
	extradata []byte // new parameter sets
	err       error  // how it was damaged on its way
}

// Open opens the file at path and reads its first packet. Options need no Codec
// and Extradata: they are the stream's. ctx bounds the call and nothing after it.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	r := &Reader{c: C.lav_reader_new(), options: o}
	if r.c == nil {
		return nil, errors.New("out of memory")
	}
	if err := r.open(ctx, path); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) open(ctx context.Context, path string) error {
	name := C.CString("file:" + path)
	defer C.free(unsafe.Pointer(name))
	defer r.watch(ctx)()
	switch code := C.lav_reader_open(r.c, name); {
	case code == C.LAV_LIST:
		return errors.New("it is a playlist: name the video itself")
	case code < 0:
		return r.failure(ctx, code)
	}
	if err := r.fetch(ctx); err != nil {
		return err
	}
	if r.next == nil {
		return errors.New("there is no video in it")
	}
	return r.start()
}

// Close frees the reader.
func (r *Reader) Close() error {
	if r.decoder != nil {
		_ = r.decoder.Close()
		r.decoder = nil
	}
	C.lav_reader_close(r.c)
	r.c = nil
	return nil
}

// Rate is what the container says, in pictures a second; 0 where it says nothing.
func (r *Reader) Rate() float64 { return float64(r.stream().rate) }

// Read writes the next picture to dst, as [Decoder.Receive] does; without a dst it
// is left out. A file that breaks off ends with a fault before io.EOF. Read
// returns by the end of ctx, and then the reader is good for Close alone.
func (r *Reader) Read(ctx context.Context, dst *gocv.Mat) (Picture, error) {
	if err := ctx.Err(); err != nil {
		return Picture{}, err
	}
	defer r.watch(ctx)()
	for {
		p, err := r.decoder.Receive(dst)
		switch {
		case errors.Is(err, ErrAgain):
			err = r.feed(ctx)
		case !errors.Is(err, io.EOF):
			return p, err
		case r.broken != nil:
			err, r.broken = r.broken, nil
			p.PTS = NoPTS
		}
		if err != nil {
			return p, err
		}
	}
}

// feed sends the next packet, or the end where there is none for this decoder.
func (r *Reader) feed(ctx context.Context) error {
	if err := r.fetch(ctx); err != nil {
		return err
	}
	if r.next == nil {
		r.decoder.End()
		return nil
	}
	r.decoder.send(*r.next)
	r.next = nil
	return nil
}

// fetch reads the next packet, unless there is one already or the stream ended.
func (r *Reader) fetch(ctx context.Context) error {
	if r.next != nil {
		return nil
	}
	var p C.lav_packet
	switch code := C.lav_reader_next(r.c, &p); {
	case code == C.LAV_END:
		return nil
	case code < 0 && ctx.Err() == nil && r.decoder != nil:
		r.broken = fault.Incomplete("the file breaks off: %w", libraryError(code))
		return nil
	case code < 0:
		return r.failure(ctx, code)
	}
	r.next = &packet{
		data: bytesOf(p.data, p.size), whole: p.packet, pts: int64(p.pts), key: p.key != 0, hidden: p.hidden != 0,
		extradata: bytesOf(p.extradata, p.extradata_size),
	}
	if p.corrupt != 0 {
		r.next.err = fault.Incomplete("a part of it was lost before it got here, as the container's counters tell")
	}
	return nil
}

// start makes the stream's decoder.
func (r *Reader) start() error {
	s := r.stream()
	o := r.options
	o.Codec = goString(s.codec)
	o.Extradata = bytesOf(s.extradata, s.extradata_size)
	if o.MaxPixels <= 0 {
		o.MaxPixels = config.DefaultMaxPixels
	}
	if err := newLimit(o.MaxPixels).check(uint64(s.width), uint64(s.height), 3, 8); err != nil {
		return err
	}
	if o.Codec == "mjpeg" {
		r.decoder = newMJPEG(o.MaxPixels)
		return nil
	}
	o.LowDelay = o.LowDelay || manySlices(o, r.next.data)
	d, err := newDecoder(o, s.parameters)
	if err == nil {
		r.decoder = d
	}
	return err
}

// manySlices says whether an H.264 picture has several slices. They are better
// decoded side by side: without error concealment libavcodec takes each slice but
// the first for one behind a gap, and lets no other thread have the picture before
// all of it is done.
func manySlices(o Options, unit []byte) bool {
	f, _, err := parameterSets(o.Codec, o.Extradata)
	if err != nil || o.Codec != "h264" {
		return false
	}
	nals, err := f.split(unit)
	n := 0
	for _, nal := range nals {
		if kind := nal[0] & 31; kind == h264Slice || kind == h264IDR {
			n++
		}
	}
	return err == nil && n > 1
}

func (r *Reader) stream() (s C.lav_stream) {
	C.lav_reader_stream(r.c, &s)
	return s
}

func bytesOf(data *C.uint8_t, size C.int) []byte {
	return unsafe.Slice((*byte)(data), int(size))
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// watch makes a call into C return when ctx ends. The result ends the watch.
func (r *Reader) watch(ctx context.Context) (done func()) {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.lav_reader_stop(r.c)
		close(stopped)
	})
	return func() {
		if !stop() {
			<-stopped
		}
	}
}

func (r *Reader) failure(ctx context.Context, code C.int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return libraryError(code)
}
