package main

import (
	"errors"
	"fmt"
	"sync/atomic"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
	"faird/config"
	"faird/inspect"
	"faird/pipeline"
)

// cutters makes cutters for what the config says at the time.
type cutters struct{ config atomic.Pointer[config.Config] }

// Cutter implements web.Cutters.
func (c *cutters) Cutter() *cutter {
	return &cutter{config: c.config.Load(), stations: map[string][]cut{}}
}

// cutter takes out of camera pictures what the stations' models see of them, as
// faird collect does.
type cutter struct {
	config   *config.Config
	stations map[string][]cut
}

// cut is one region's part.
type cut struct {
	region string // "" where the station has but one
	viewer *inspect.Viewer
	tiles  *config.Tiles
	w, h   int // of the model, where tiles have its size
}

// Cut hands each part of a picture on, as PNG: of every region, and of every tile
// where the region has tiles. A station that is not in the config any more has
// its pictures whole.
func (c *cutter) Cut(station string, picture []byte, each func(region string, tile int, png []byte) error) error {
	cuts, known := c.stations[station]
	if !known {
		var err error
		if cuts, err = c.cuts(station); err != nil {
			return err
		}
		c.stations[station] = cuts
	}
	if len(cuts) == 0 {
		return each("", 0, picture)
	}
	d, m := imagefile.NewDecoder(c.config.Station(station).Camera.MaxPixels), gocv.NewMat()
	defer func() { _, _ = d.Close(), m.Close() }()
	if _, err := d.Decode(picture, &m); err != nil {
		return fmt.Errorf("a kept picture of station %s: %w", station, err)
	}
	for _, one := range cuts {
		if err := one.out(m, each); err != nil {
			return fmt.Errorf("station %s: %w", station, err)
		}
	}
	return nil
}

func (c *cutter) cuts(station string) (out []cut, err error) {
	s := c.config.Station(station)
	if s == nil {
		return nil, nil
	}
	regions := s.Several()
	single := regions == nil
	if single {
		regions = []config.Region{s.Whole()}
	}
	for _, r := range regions {
		one := cut{region: r.Name, tiles: r.Tiles}
		if single {
			one.region = ""
		}
		f, err := pipeline.ReadModel(r.Model)
		if err != nil {
			return nil, err
		}
		one.w, one.h = f.Width, f.Height
		if t := r.Tiles; t != nil && t.W > 0 && t.H > 0 {
			one.w, one.h = t.W, t.H
		}
		if one.viewer, err = inspect.NewViewer(inspect.OptionsFor(r, s)); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (c cut) out(picture gocv.Mat, each func(region string, tile int, png []byte) error) error {
	seen, err := c.viewer.See(picture)
	if errors.Is(err, inspect.ErrPicture) {
		return nil // where the part was not found, or the region moved since, there is nothing to train on
	}
	if err != nil {
		return err
	}
	defer seen.Part.Close()
	hand := func(n int, part gocv.Mat) error {
		png, err := gocv.IMEncode(gocv.PNGFileExt, part)
		if err != nil {
			return err
		}
		defer png.Close()
		return each(c.region, n, png.GetBytes())
	}
	if c.tiles == nil {
		return hand(0, seen.Part)
	}
	return inspect.EachTile(seen.Part, *c.tiles, c.w, c.h, hand)
}

// Close frees the buffers.
func (c *cutter) Close() error {
	var err error
	for _, cuts := range c.stations {
		for _, one := range cuts {
			err = errors.Join(err, one.viewer.Close())
		}
	}
	return err
}
