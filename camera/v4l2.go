package camera

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

// v4l2Latency covers the driver's buffers at 30 pictures a second.
const v4l2Latency = 100 * time.Millisecond

// mode is what is asked of a V4L2 device, or what it says it gives. Zero
// values are not asked.
type mode struct {
	width, height int
	fps           float64
	fourcc        string
}

// parseV4L2 understands v4l2:///dev/video0?width=&height=&fps=&fourcc= and the
// settings of lock.
func parseV4L2(u *url.URL, q *query) (plan, error) {
	path, err := localPath(u)
	if err != nil {
		return plan{}, err
	}
	want := mode{
		width:  q.whole("width", 0, 1, 65536),
		height: q.whole("height", 0, 1, 65536),
		fps:    q.number("fps", 0, 0.01, 10000),
	}
	want.fourcc, _ = q.get("fourcc")
	lock := q.lock()
	if q.err == nil && (want.width == 0) != (want.height == 0) {
		return plan{}, errors.New("width and height go together: give both")
	}
	if n := len(want.fourcc); n != 0 && n != 4 {
		return plan{}, fmt.Errorf("query key fourcc=%q: want four characters, for example MJPG or YUYV", want.fourcc)
	}
	return plan{
		latency: q.duration("latency", v4l2Latency, maxLatency),
		source: checking(mode{width: want.width, height: want.height, fps: want.fps}, func(c config.Camera, _ uint64) source {
			return &v4l2{path: path, want: want, lock: lock, maxPixels: c.MaxPixels}
		}),
	}, nil
}

// v4l2 is a Video4Linux device through OpenCV.
type v4l2 struct {
	path      string
	want      mode
	lock      lock
	maxPixels int
	*capture
	checked bool        // what comes is what was asked for
	jpeg    *motionJPEG // decodes what the device sends; nil: OpenCV converts it
}

func (v *v4l2) open(context.Context) error {
	if err := isDevice(v.path); err != nil {
		return err
	}
	var err error
	if v.capture, err = openCapture(v.path); err != nil {
		return fmt.Errorf("%s: %w: is it a capture device, free, and may this user read it (group video)?", v.path, err)
	}
	v.want.ask(v.video)
	v.lock.ask(v.video)
	if err := withinLimit(v.video, v.maxPixels); err != nil {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	v.jpeg = newMotionJPEG(v.video, v.maxPixels)
	return nil
}

// withinLimit checks the size of images before memory is allocated for them.
func withinLimit(d driver, limit int) error {
	width, height := d.Get(gocv.VideoCaptureFrameWidth), d.Get(gocv.VideoCaptureFrameHeight)
	if width*height > float64(limit) {
		return tooLarge(int(width), int(height), limit)
	}
	return nil
}

// driver is what a V4L2 device can be asked through OpenCV.
type driver interface {
	Set(gocv.VideoCaptureProperties, float64)
	Get(gocv.VideoCaptureProperties) float64
	ToCodec(string) float64
	CodecString() string
}

// ask sets the format. The pixel format comes first: the sizes and rates of a
// camera depend on it.
func (want mode) ask(d driver) {
	d.Set(gocv.VideoCaptureBufferSize, 1)
	if want.fourcc != "" {
		d.Set(gocv.VideoCaptureFOURCC, d.ToCodec(want.fourcc))
	}
	if want.width != 0 {
		d.Set(gocv.VideoCaptureFrameWidth, float64(want.width))
		d.Set(gocv.VideoCaptureFrameHeight, float64(want.height))
	}
	if want.fps != 0 {
		d.Set(gocv.VideoCaptureFPS, want.fps)
	}
}

// told is the mode that the driver says is in force, with the size of what came.
func told(d driver, picture gocv.Mat) mode {
	return mode{picture.Cols(), picture.Rows(), d.Get(gocv.VideoCaptureFPS), d.CodecString()}
}

func (v *v4l2) read(ctx context.Context, f *Frame) error {
	if err := v.grab(ctx, f); err != nil || v.checked || f.Err != nil {
		return err
	}
	if err := errors.Join(v.want.compare(told(v.video, f.mat)), v.lock.check(v.video)); err != nil {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	v.checked = true
	return nil
}

// grab takes the next image. The driver stamps each one, so a stamp that comes
// twice is an old image.
func (v *v4l2) grab(ctx context.Context, f *Frame) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	if v.jpeg != nil {
		err = v.jpeg.read(v.video, f)
	} else {
		err = v.capture.read(f)
	}
	f.evidence.stamp = int64(v.video.Get(gocv.VideoCapturePosMsec) * 1e6)
	return err
}

// compare says where what the camera gives is not what was asked of it.
func (want mode) compare(got mode) error {
	var wrong []string
	if want.width != 0 && (want.width != got.width || want.height != got.height) {
		wrong = append(wrong, fmt.Sprintf("size %dx%d was asked for and %dx%d comes", want.width, want.height, got.width, got.height))
	}
	if want.fps != 0 && math.Abs(want.fps-got.fps) > 0.01*want.fps {
		wrong = append(wrong, fmt.Sprintf("%v pictures a second were asked for and %v come", want.fps, got.fps))
	}
	if want.fourcc != "" && want.fourcc != got.fourcc {
		wrong = append(wrong, fmt.Sprintf("fourcc %s was asked for and %q comes", want.fourcc, got.fourcc))
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("the camera does not give what was asked: %s: see v4l2-ctl --list-formats-ext and set what it can", strings.Join(wrong, "; "))
}

func isDevice(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		there, _ := filepath.Glob("/dev/video*")
		if there == nil {
			there = []string{"no /dev/video* at all"}
		}
		return fmt.Errorf("%w: check the cable and the url; this machine has %s", err, strings.Join(there, ", "))
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return fmt.Errorf("%s is not a device: name one like /dev/video0, or use video:// or file:// for files", path)
	}
	return nil
}

func (v *v4l2) close() {
	v.capture.close()
	v.jpeg.close()
}
