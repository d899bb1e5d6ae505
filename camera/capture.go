package camera

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"faird/verdict"

	"gocv.io/x/gocv"
)

// Properties that OpenCV 4.6 has and gocv does not name, in milliseconds. Only
// the FFmpeg back end obeys them.
const (
	propOpenTimeout gocv.VideoCaptureProperties = 53
	propReadTimeout gocv.VideoCaptureProperties = 54
)

// OpenCV asks this variable how much FFmpeg may write to stderr. A camera that is
// gone would fill the log; what went wrong is in the camera's status.
const ffmpegLogLevel = "OPENCV_FFMPEG_LOGLEVEL"

func init() { // before any C thread runs that could read the environment
	if _, ok := os.LookupEnv(ffmpegLogLevel); !ok {
		_ = os.Setenv(ffmpegLogLevel, "-8") // AV_LOG_QUIET
	}
}

// capture is an OpenCV VideoCapture and what brings its pictures to 8-bit BGR.
type capture struct {
	video *gocv.VideoCapture
	other gocv.Mat // a picture that is not 8-bit BGR yet
	wide  gocv.Mat // 16-bit BGR
	plain bool     // the last picture was 8-bit BGR
}

// openCapture opens one of OpenCV's back ends. OpenCV does not say why it
// failed; the caller knows better what to look at.
func openCapture(what string, api gocv.VideoCaptureAPI, params ...gocv.VideoCaptureProperties) (*capture, error) {
	var video *gocv.VideoCapture
	var err error
	if len(params) == 0 {
		video, err = gocv.VideoCaptureFileWithAPI(what, api)
	} else {
		video, err = gocv.VideoCaptureFileWithAPIParams(what, api, params)
	}
	if err == nil && !video.IsOpened() {
		err = errors.New("not opened")
	}
	if err != nil {
		_ = video.Close()
		// gocv's text repeats the whole URL, password included.
		return nil, fmt.Errorf("opencv's %s back end could not open it", gocv.VideoRegistry.GetBackendName(api))
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

// readUnless reads one picture unless the context is over already.
func (c *capture) readUnless(ctx context.Context, f *Frame) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.read(f)
}
