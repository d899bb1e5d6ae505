package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"faird/camera/imagefile"
	"faird/camera/imagefolder"
	"faird/config"
	"faird/verdict"
)

// loopRate is the rate of a looping folder that names none, pictures a second.
const loopRate = 5

// parseFolder understands file:///folder, file:///glob* and file:///picture.png
// with ?loop=true&rate=5.
func parseFolder(u *url.URL, q *query) (plan, error) {
	path, err := localPath(u)
	if err != nil {
		return plan{}, err
	}
	if _, err := filepath.Match(path, ""); err != nil {
		return plan{}, fmt.Errorf("path: the pattern is wrong: close every [ or write it as %%5B")
	}
	loop, pause := q.pace(loopRate)
	return plan{
		every:   !loop,
		undated: !loop,
		mixed:   true,
		pause:   pause,
		source: func(c config.Camera, skip uint64) source {
			return &folder{path: path, loop: loop, pacer: pacer{interval: pause}, skip: skip, maxPixels: c.MaxPixels}
		},
	}, nil
}

// pace reads how a source of files is paced: once at the taker's pace (or at
// most at a rate), or looping at a rate like a camera.
func (q *query) pace(loopRate float64) (loop bool, pause time.Duration) {
	fallback := 0.0
	if loop = q.yes("loop"); loop {
		fallback = loopRate
	}
	return loop, interval(q.number("rate", fallback, 0.001, 1000))
}

// folder reads picture files in the order of their names.
type folder struct {
	path      string
	loop      bool
	pacer     pacer
	skip      uint64 // pictures to leave out, having been read before
	maxPixels int
	files     []string
	skipped   string // what was said last of files that are no images
	log       zerolog.Logger
	at        int
	decoder   *imagefile.Decoder
}

func (s *folder) logTo(log zerolog.Logger) { s.log = log }

func (s *folder) open(context.Context) error {
	if err := s.list(); err != nil {
		return err
	}
	s.at = int(min(s.skip, uint64(len(s.files))))
	if s.loop {
		s.at = int(s.skip % uint64(len(s.files)))
	}
	s.decoder = imagefile.NewDecoder(s.maxPixels)
	return nil
}

// list finds the pictures: of a folder, a glob, or the one named.
func (s *folder) list() error {
	found, err := listPictures(s.path)
	if err != nil {
		return err
	}
	if len(found.Files) == 0 {
		return fmt.Errorf("no images in %s: put files named %s there", s.path, imagefolder.Names())
	}
	if skipped := found.Skipped.String(); skipped != s.skipped {
		s.log.Info().Str("folder", s.path).Str("left_out", skipped).Msg("not every file of the folder is an image of a part")
		s.skipped = skipped
	}
	s.files = found.Files
	return nil
}

func listPictures(path string) (*imagefolder.Listing, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) && strings.ContainsAny(path, "*?[") {
		return imagefolder.Glob(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: check the path", err)
	}
	if !info.IsDir() {
		return &imagefolder.Listing{Files: []string{path}}, nil
	}
	return imagefolder.List(path)
}

func (s *folder) read(ctx context.Context, f *Frame) error {
	if !s.pacer.wait(ctx) {
		return ctx.Err()
	}
	if s.at == len(s.files) {
		if !s.loop {
			return io.EOF
		}
		if err := s.list(); err != nil { // pictures may have come or gone
			return err
		}
		s.at = 0
	}
	path := s.files[s.at]
	s.at++
	f.Captured, f.Exposure, f.Source = time.Now(), verdict.Estimated, filepath.Base(path)
	data, err := s.decoder.Load(path)
	if err == nil {
		f.received()
		_, err = s.decoder.Decode(data, &f.mat)
	}
	if err != nil {
		f.fail(fmt.Errorf("%s: %w", filepath.Base(path), err))
	}
	return nil
}

func (s *folder) close() {
	if s.decoder != nil {
		_ = s.decoder.Close()
	}
}
