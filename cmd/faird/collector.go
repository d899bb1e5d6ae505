package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
)

// collector saves the pictures of a camera.
type collector struct {
	camera   *camera.Camera
	roi      *config.Rect
	folder   string
	every    time.Duration // least time between two
	patience time.Duration // most time for one
	began    time.Time
	log      zerolog.Logger
	saved    int
}

// mostBroken is how many pictures in a row may be broken before the source is.
const mostBroken = 20

func (c *collector) save(ctx context.Context, count int) error {
	tell, end := newProgress("saving pictures")
	defer end()
	for broken := 0; c.saved < count; {
		due := time.Now().Add(c.every)
		err := c.one(ctx)
		switch {
		case err == nil:
			broken = 0
			tell(c.saved, count)
		case !errors.Is(err, camera.ErrPicture) || broken == mostBroken:
			return err
		default:
			broken++
			c.log.Warn().Err(err).Msg("picture left out")
		}
		if c.saved == count {
			break // the last one is waited for by nobody
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c *collector) one(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	f, err := c.camera.Next(ctx, time.Time{})
	if errors.Is(err, io.EOF) {
		return errors.New("the source has no more pictures")
	}
	if err != nil {
		return err
	}
	defer f.Release()
	if f.Err != nil {
		return f.Err
	}
	name := fmt.Sprintf("%s_%05d.png", c.began.UTC().Format("20060102T150405.000"), c.saved)
	if err := c.write(f.Picture, filepath.Join(c.folder, name)); err != nil {
		return err
	}
	c.saved++
	return nil
}

// write writes the region of interest of a picture, or nothing.
func (c *collector) write(picture gocv.Mat, path string) (err error) {
	part := image.Rect(0, 0, picture.Cols(), picture.Rows())
	if c.roi != nil {
		roi := image.Rect(c.roi.X, c.roi.Y, c.roi.X+c.roi.W, c.roi.Y+c.roi.H)
		if !roi.In(part) || roi.Empty() {
			return fmt.Errorf("the camera's pictures have %dx%d pixels, the station's region of interest ends at %dx%d: correct roi",
				part.Dx(), part.Dy(), roi.Max.X, roi.Max.Y)
		}
		part = roi
	}
	view := picture.Region(part)
	defer func() { err = errors.Join(err, view.Close()) }()
	png, err := gocv.IMEncode(gocv.PNGFileExt, view)
	if err != nil {
		return err
	}
	defer png.Close()
	if err := os.WriteFile(path, png.GetBytes(), 0o644); err != nil {
		_ = os.Remove(path) // half a picture is none
		return err
	}
	return nil
}
