package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/pipeline"
	"faird/verdict"
)

// scoreAsStation scores whole camera pictures as a station of the config would;
// override says that --max-pixels counts in place of the station's limit.
func scoreAsStation(ctx context.Context, out io.Writer, o scoreOptions, override bool, files []string) error {
	cfg, s, err := stationOf(o.config, o.station)
	if err != nil {
		return err
	}
	if override {
		s.Camera.MaxPixels = int(o.maxPixels)
	}
	c := config.Default().Infer
	if c.Provider, c.Library = o.provider, o.library; c.Library == "" {
		c.Library = cfg.Infer.Library
	}
	j, err := pipeline.NewJudge(ctx, *s, c, nil, consoleLog(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer j.Close()
	names := mapNames(files)
	return scoreEach(out, o, files, func(n int, file string) (scored, error) {
		return judgeFile(ctx, j, file, s.Camera.MaxPixels, o.maps, names[n])
	}, printJudged)
}

// stationOf is a station of a config file; the models it names are not looked at.
func stationOf(path, name string) (*config.Config, *config.Station, error) {
	if path == "" {
		found, err := config.Find()
		if err != nil {
			return nil, nil, err
		}
		path = found
	}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return nil, nil, err
	}
	s := cfg.Station(name)
	if s == nil {
		return nil, nil, fmt.Errorf("%s has no station %q: it has %v", cfg.Path(), name, stationNames(cfg))
	}
	return cfg, s, nil
}

func judgeFile(ctx context.Context, j *pipeline.Judge, file string, maxPixels int, maps, name string) (scored, error) {
	picture, err := inspect.ReadPicture(file, maxPixels)
	if err != nil {
		return scored{}, fileError{err}
	}
	defer picture.Close()
	v, err := j.Judge(ctx, picture)
	if err != nil {
		return scored{}, fmt.Errorf("%s: %w", file, err)
	}
	if maps != "" && v.Score != nil {
		if err := paintMap(j, &picture, filepath.Join(maps, name)); err != nil {
			return scored{}, err
		}
	}
	return scored{
		File: file, Score: v.Score, Verdict: &v.Verdict, Threshold: v.Threshold, Regions: v.Regions,
		Detail: v.Detail, Inspected: v.Inspected, Alignment: v.Alignment,
	}, nil
}

// paintMap draws the maps over the picture and writes it.
func paintMap(j *pipeline.Judge, picture *gocv.Mat, path string) error {
	if err := j.PaintMap(picture); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("--map: %w", err)
	}
	if !gocv.IMWrite(path, *picture) {
		return fmt.Errorf("--map: %s could not be written", path)
	}
	return nil
}

func printJudged(out io.Writer, r scored) error {
	if r.Verdict != nil && *r.Verdict == verdict.NoRead {
		_, err := fmt.Fprintf(out, "no score  no_read (%s)  %s\n", r.Detail, r.File)
		return err
	}
	if err := printScored(out, r); err != nil {
		return err
	}
	for _, i := range r.Inspected {
		if _, err := fmt.Fprintf(out, "  %.6f  %-4s (threshold %.4f)  region %s\n", i.Score, i.Verdict, i.Threshold, i.Region); err != nil {
			return err
		}
	}
	return nil
}
