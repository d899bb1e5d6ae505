package camera

import (
	"time"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
	"faird/verdict"
)

// motionJPEG decodes the JPEG images of a V4L2 device. OpenCV would fill in what
// is missing of one that lost data on the USB bus, and say nothing.
type motionJPEG struct {
	encoded gocv.Mat // one row of bytes
	decoder *imagefile.Decoder
}

// newMotionJPEG has OpenCV hand out the encoded images of a device that sends
// JPEG; of any other device it returns nil.
func newMotionJPEG(d driver, maxPixels int) *motionJPEG {
	switch d.CodecString() {
	case "MJPG", "JPEG":
		d.Set(gocv.VideoCaptureConvertRGB, 0)
		return &motionJPEG{encoded: gocv.NewMat(), decoder: imagefile.NewDecoder(maxPixels)}
	}
	return nil
}

// reader gives the next image; *gocv.VideoCapture is one.
type reader interface {
	Read(m *gocv.Mat) bool
}

func (j *motionJPEG) read(from reader, f *Frame) error {
	ok := from.Read(&j.encoded)
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	if !ok || j.encoded.Empty() {
		return errEnded
	}
	data, err := j.encoded.DataPtrUint8()
	if err != nil {
		return err
	}
	header, err := j.decoder.DecodeJPEG(data, &f.mat)
	if err != nil {
		f.fail(err)
		return nil
	}
	f.evidence.pixels = header.Pixels
	return nil
}

func (j *motionJPEG) close() {
	if j != nil {
		_ = j.encoded.Close()
		_ = j.decoder.Close()
	}
}
