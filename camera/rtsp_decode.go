package camera

import (
	"errors"
	"time"

	"faird/camera/fault"
	"faird/camera/imagefile"
	"faird/camera/libav"
	"faird/camera/rtsp"
)

// newUnitDecoder makes a decoder for what a stream carries.
func newUnitDecoder(s *rtsp.Stream, maxPixels int, seen *repeats) (unitDecoder, error) {
	if s.Codec() == "mjpeg" {
		return &jpegUnits{decoder: imagefile.NewDecoder(maxPixels), seen: seen}, nil
	}
	d, err := libav.NewDecoder(libav.Options{Codec: s.Codec(), Extradata: s.Extradata(), Threads: 1, LowDelay: true, MaxPixels: maxPixels})
	return &videoUnits{decoder: d, epoch: time.Now()}, err
}

// jpegUnits decodes Motion JPEG, where each picture stands for itself.
type jpegUnits struct {
	decoder *imagefile.Decoder
	seen    *repeats
	unit    rtsp.Unit
	waits   bool
}

func (d *jpegUnits) put(u rtsp.Unit) { d.unit, d.waits = u, true }

func (d *jpegUnits) next(f *Frame) (bool, error) {
	if !d.waits {
		return false, nil
	}
	d.waits = false
	stampFrame(f, d.unit.Time)
	err := d.unit.Err
	if err == nil {
		err = d.seen.check(d.unit.Data)
	}
	if err != nil {
		f.fail(err)
		return true, nil
	}
	f.received()
	header, err := d.decoder.DecodeJPEG(d.unit.Data, &f.mat)
	if err != nil {
		f.fail(err)
		return true, nil
	}
	f.evidence.pixels = header.Pixels
	return true, nil
}

func (d *jpegUnits) close() { _ = d.decoder.Close() }

// videoUnits decodes video whose pictures depend on each other.
type videoUnits struct {
	decoder *libav.Decoder
	epoch   time.Time  // presentation times count from it, so that the monotonic clock is kept
	lost    *rtsp.Unit // to be answered for before anything else
	joined  bool       // a key frame came
}

func (d *videoUnits) put(u rtsp.Unit) {
	if u.Gap {
		d.decoder.Flush()
	}
	if u.Err != nil {
		d.lost = &u
		return
	}
	d.decoder.Send(u.Data, int64(u.Time.Sub(d.epoch)))
}

func (d *videoUnits) next(f *Frame) (bool, error) {
	if d.lost != nil {
		stampFrame(f, d.lost.Time)
		f.fail(d.lost.Err)
		d.lost = nil
		return d.joined, nil
	}
	for {
		p, err := d.decoder.Receive(&f.mat)
		stampFrame(f, d.epoch.Add(time.Duration(p.PTS)))
		switch {
		case errors.Is(err, libav.ErrAgain):
			return false, nil
		case errors.Is(err, libav.ErrNoKey) && !d.joined:
			continue // the stream was joined between two key frames
		}
		d.joined = d.joined || err == nil
		return true, takePicture(f, p, err)
	}
}

func (d *videoUnits) close() {
	if d.decoder != nil {
		_ = d.decoder.Close()
	}
}

// takePicture completes a frame into which a picture was decoded, or which is to
// say why none was. It returns errors that are no fault of the picture.
func takePicture(f *Frame, p libav.Picture, err error) error {
	switch {
	case err == nil:
		f.evidence.pixels = pixelsOf(p.Form)
	case errors.Is(err, fault.ErrImage):
		f.fail(err)
	default:
		return err
	}
	return nil
}

// pixelsOf is what of a form is not its size.
func pixelsOf(form libav.Form) string {
	out := form.PixelFormat + ", matrix " + form.Matrix
	if form.FullRange {
		out += ", full range"
	}
	return out
}
