package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"faird/camera/fault"
	"faird/camera/libav"
	"faird/config"
	"faird/verdict"
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
		source: func(c config.Camera, skip uint64) source {
			return &videoFile{path: path, loop: loop, pacer: pacer{interval: pause}, asked: pause > 0, skip: skip, maxPixels: c.MaxPixels}
		},
	}, nil
}

// videoFile is a video file through libav. Every picture has a form of its own:
// where the size changes inside the file, so does the frame's.
type videoFile struct {
	path      string
	loop      bool
	pacer     pacer
	asked     bool   // the URL names the rate
	skip      uint64 // pictures to leave out, having been read before
	maxPixels int
	reader    *libav.Reader
	at        uint64 // pictures read of the file, damaged ones too
	shown     int64  // presentation time of the picture before
}

func (v *videoFile) open(ctx context.Context) error {
	info, err := os.Stat(v.path)
	if err != nil {
		return fmt.Errorf("%w: check the path", err)
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder: name a video file, or use file:// for a folder of pictures", v.path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: name a video file", v.path)
	}
	v.at, v.shown = 0, libav.NoPTS
	v.reader, err = libav.Open(ctx, v.path, libav.Options{MaxPixels: v.maxPixels, Threads: decoderThreads()})
	if err != nil {
		return fmt.Errorf("%s: %w: is it a whole video file?", v.path, err)
	}
	if v.loop {
		v.setPace(v.reader.Rate())
		return nil
	}
	return v.leaveOut(ctx)
}

// decoderThreads is what decodes a file fast without many pictures in memory.
func decoderThreads() int { return min(runtime.GOMAXPROCS(0), 8) }

// leaveOut passes over the pictures that were read before a loss.
func (v *videoFile) leaveOut(ctx context.Context) error {
	for range v.skip {
		if _, err := v.reader.Read(ctx, nil); err != nil && !errors.Is(err, fault.ErrImage) {
			return fmt.Errorf("%s: %w", v.path, err)
		}
		v.at++
	}
	return nil
}

// setPace takes over the file's own rate, where none was asked for.
func (v *videoFile) setPace(rate float64) {
	if v.asked {
		return
	}
	if math.IsNaN(rate) || rate < 1 || rate > 1000 {
		rate = loopRate
	}
	v.pacer.interval = interval(rate)
}

func (v *videoFile) read(ctx context.Context, f *Frame) error {
	if !v.pacer.wait(ctx) {
		return ctx.Err()
	}
	f.Source = filepath.Base(v.path)
	err := v.next(ctx, f)
	if errors.Is(err, io.EOF) && v.loop && v.at > 0 {
		if err = v.rewind(ctx); err == nil {
			err = v.next(ctx, f)
		}
	}
	if errors.Is(err, io.EOF) && v.at == 0 {
		return fmt.Errorf("%s holds no picture", v.path)
	}
	return err
}

// next reads one picture. A damaged one is a frame too, for it is a part's.
func (v *videoFile) next(ctx context.Context, f *Frame) error {
	p, err := v.reader.Read(ctx, &f.mat)
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	switch {
	case err == nil:
	case errors.Is(err, fault.ErrImage):
		f.fail(fmt.Errorf("picture %d of %s: %w", v.at+1, v.path, err))
	case errors.Is(err, io.EOF), ctx.Err() != nil:
		return err
	default:
		return fmt.Errorf("%s: %w", v.path, err)
	}
	v.at++
	if v.loop && v.reader.Rate() == 0 && p.PTS > v.shown && v.shown != libav.NoPTS {
		v.setPace(1e6 / float64(p.PTS-v.shown)) // microseconds
	}
	v.shown = p.PTS
	return nil
}

func (v *videoFile) rewind(ctx context.Context) error {
	v.close()
	return v.open(ctx)
}

func (v *videoFile) close() {
	if v.reader != nil {
		_ = v.reader.Close()
		v.reader = nil
	}
}
