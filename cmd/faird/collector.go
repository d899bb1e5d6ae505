package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
)

// collector saves the pictures of a camera.
type collector struct {
	camera   *camera.Camera
	eyes     []eye
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
	name := fmt.Sprintf("%s_%05d", c.began.UTC().Format("20060102T150405.000"), c.saved)
	for _, e := range c.eyes {
		if err := e.save(f.Picture, name); err != nil {
			return err
		}
	}
	c.saved++
	return nil
}
