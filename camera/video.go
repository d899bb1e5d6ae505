package camera

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

// parseVideo understands video:///file.mp4?loop=true&rate=25.
func parseVideo(u *url.URL, q *query) (plan, error) {
	path, err := localPath(u)
	if err != nil {
		return plan{}, err
	}
	loop, pause := q.pace(0)
	return plan{
		every:   !loop,
		undated: !loop,
		mixed:   true,
		pause:   max(pause, time.Second), // a looping file may name its own rate
		source: func(_ config.Camera, skip uint64) source {
			return &videoFile{path: path, loop: loop, pacer: pacer{interval: pause}, skip: skip}
		},
	}, nil
}

// videoFile is a video file through OpenCV's FFmpeg.
type videoFile struct {
	path  string
	loop  bool
	pacer pacer
	skip  uint64 // pictures to leave out, having been read before
	*capture
	frames uint64 // read since the file was opened
}

func (v *videoFile) open(context.Context) error {
	info, err := os.Stat(v.path)
	if err != nil {
		return fmt.Errorf("%w: check the path", err)
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder: name a video file, or use file:// for a folder of pictures", v.path)
	}
	if v.capture, err = openCapture(v.path, gocv.VideoCaptureFFmpeg); err != nil {
		return fmt.Errorf("%s: %w: is it a video, and whole?", v.path, err)
	}
	if v.loop {
		v.pacer.interval = v.ownPace()
	} else if err := v.video.Grab(int(v.skip)); err != nil {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	return nil
}

// ownPace is the interval asked for, else the file's own, at most a second.
func (v *videoFile) ownPace() time.Duration {
	if v.pacer.interval > 0 {
		return v.pacer.interval
	}
	rate := v.video.Get(gocv.VideoCaptureFPS)
	if math.IsNaN(rate) || rate < 1 || rate > 1000 {
		rate = loopRate
	}
	return interval(rate)
}

func (v *videoFile) read(ctx context.Context, f *Frame) error {
	if !v.pacer.wait(ctx) {
		return ctx.Err()
	}
	f.Source = filepath.Base(v.path)
	if v.capture.read(f) == nil {
		v.frames++
		return nil
	}
	if v.frames == 0 && v.skip == 0 {
		return fmt.Errorf("%s holds no picture that OpenCV can read", v.path)
	}
	if !v.loop {
		return io.EOF
	}
	return v.rewind(ctx, f)
}

func (v *videoFile) rewind(ctx context.Context, f *Frame) error {
	v.capture.close()
	v.capture, v.frames = nil, 0
	if err := v.open(ctx); err != nil {
		return err
	}
	if err := v.capture.read(f); err != nil {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	v.frames++
	return nil
}

func (v *videoFile) close() { v.capture.close() }
