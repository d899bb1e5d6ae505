package camera

import (
	"errors"
	"fmt"
	"time"

	"faird/verdict"

	"gocv.io/x/gocv"
)

// capture is an OpenCV VideoCapture of a V4L2 device and what brings its images to
// 8-bit BGR.
type capture struct {
	video *gocv.VideoCapture
	other gocv.Mat // a picture that is not 8-bit BGR yet
	wide  gocv.Mat // 16-bit BGR
	plain bool     // the last picture was 8-bit BGR
}

// openCapture opens a V4L2 device. OpenCV does not say why it failed; the caller
// knows better what to look at.
func openCapture(path string) (*capture, error) {
	video, err := gocv.VideoCaptureFileWithAPI(path, gocv.VideoCaptureV4L2)
	if err == nil && !video.IsOpened() {
		err = errors.New("not opened")
	}
	if err != nil {
		_ = video.Close()
		return nil, errors.New("opencv could not open it")
	}
	return &capture{video: video, other: gocv.NewMat(), wide: gocv.NewMat(), plain: true}, nil
}

// errEnded is what a stream that gave no further picture is taken for.
var errEnded = errors.New("the stream ended or broke off")

// read waits for the next picture and stamps it. The time is taken as OpenCV
// hands the picture over, its decoding included.
func (c *capture) read(f *Frame) error {
	into := &f.mat
	if !c.plain {
		into = &c.other
	}
	ok := c.video.Read(into)
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	if !ok || into.Empty() {
		return errEnded
	}
	return c.convert(into, f)
}

// convert brings what came to 8-bit BGR in the frame; OpenCV gives nearly
// always just that, then there is nothing to do and no copy.
func (c *capture) convert(got *gocv.Mat, f *Frame) error {
	t := got.Type()
	if t == gocv.MatTypeCV8UC3 && got == &f.mat {
		return nil
	}
	if got == &f.mat { // from now on read beside the frame
		if err := got.CopyTo(&c.other); err != nil {
			return err
		}
		got = &c.other
	}
	c.plain = t == gocv.MatTypeCV8UC3
	switch t {
	case gocv.MatTypeCV8UC3:
		return got.CopyTo(&f.mat)
	case gocv.MatTypeCV8UC1:
		return gocv.CvtColor(*got, &f.mat, gocv.ColorGrayToBGR)
	case gocv.MatTypeCV8UC4:
		return gocv.CvtColor(*got, &f.mat, gocv.ColorBGRAToBGR)
	case gocv.MatTypeCV16UC1:
		if err := gocv.CvtColor(*got, &c.wide, gocv.ColorGrayToBGR); err != nil {
			return err
		}
		return to8bit(&c.wide, &f.mat)
	case gocv.MatTypeCV16UC3:
		return to8bit(got, &f.mat)
	}
	return fmt.Errorf("the camera gives pixels of type %v: set it to 8- or 16-bit grey or BGR", t)
}

func (c *capture) close() {
	if c == nil {
		return
	}
	_ = c.video.Close()
	_ = c.other.Close()
	_ = c.wide.Close()
}
