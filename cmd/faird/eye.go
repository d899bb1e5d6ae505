package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/pipeline"
)

// eye saves what one region's model sees of a camera's pictures.
type eye struct {
	viewer  *inspect.Viewer
	folder  string
	aligned bool
	tiles   *config.Tiles
	w, h    int // of the model, where tiles have its size
}

// newEyes makes an eye for every region of a station, and its folder.
func newEyes(s *config.Station, folder string) (eyes []eye, err error) {
	regions := s.Several()
	if regions == nil {
		regions = []config.Region{s.Whole()}
	}
	for _, r := range regions {
		e, err := newEye(r, s, filepath.Join(folder, r.Name))
		if err != nil {
			closeEyes(eyes)
			return nil, fmt.Errorf("station %s: %w", s.Name, err)
		}
		eyes = append(eyes, e)
	}
	return eyes, nil
}

func newEye(r config.Region, s *config.Station, folder string) (eye, error) {
	e := eye{folder: folder, aligned: s.Align != nil, tiles: r.Tiles}
	if t := r.Tiles; t != nil {
		e.w, e.h = t.W, t.H
		if t.W == 0 || t.H == 0 {
			f, err := pipeline.ReadModel(r.Model)
			if err != nil {
				return e, fmt.Errorf("tiles of the model's size: %w: name w and h of tiles until there is a model", err)
			}
			e.w, e.h = f.Width, f.Height
		}
	}
	var err error
	if e.viewer, err = inspect.NewViewer(inspect.OptionsFor(r, s)); err != nil {
		return e, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return e, errors.Join(fmt.Errorf("--out: %w", err), e.viewer.Close())
	}
	return e, nil
}

func closeEyes(eyes []eye) {
	for _, e := range eyes {
		_ = e.viewer.Close()
	}
}

// save writes the inspected picture, or its tiles, or nothing.
func (e eye) save(picture gocv.Mat, name string) error {
	s, err := e.viewer.See(picture)
	switch {
	case err != nil && e.aligned:
		return err // of this picture alone
	case err != nil:
		return errors.New(err.Error() + ": correct roi") // of every picture, so none is left out for it
	}
	defer s.Part.Close()
	path := filepath.Join(e.folder, name)
	if e.tiles == nil {
		return writePNG(s.Part, path+".png")
	}
	return inspect.EachTile(s.Part, *e.tiles, e.w, e.h, func(n int, tile gocv.Mat) error {
		return writePNG(tile, fmt.Sprintf("%s_t%04d.png", path, n))
	})
}

// writePNG writes a picture, or nothing.
func writePNG(picture gocv.Mat, path string) error {
	png, err := gocv.IMEncode(gocv.PNGFileExt, picture)
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
