package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"gocv.io/x/gocv"
	"golang.org/x/sync/errgroup"

	"faird/camera"
	"faird/config"
)

type collectOptions struct {
	config, station, url, out string
	count                     int
	every                     time.Duration
}

func collectCommand() *cobra.Command {
	var o collectOptions
	c := &cobra.Command{
		Use:   "collect --station S --count N --out DIR",
		Short: "Saves pictures from a station's camera, to train on",
		Long: `Saves the next pictures of a station's camera as PNG. Put only good parts before
it: the model learns what it is shown. --camera names a camera instead of a
station of the config.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := o.camera()
			if err != nil {
				return err
			}
			return collect(c.Context(), c.OutOrStdout(), o, settings)
		},
	}
	addConfigFlag(c, &o.config)
	f := c.Flags()
	f.StringVar(&o.station, "station", "", "station of the config whose camera to use")
	f.StringVar(&o.url, "camera", "", "URL of a camera, in place of a station's")
	f.StringVar(&o.out, "out", "", "folder to save the pictures in")
	f.IntVar(&o.count, "count", 100, "pictures to save")
	f.DurationVar(&o.every, "every", 0, "least time between two pictures, say 1s")
	return c
}

// camera is the camera to collect from.
func (o collectOptions) camera() (config.Camera, error) {
	switch {
	case o.out == "":
		return config.Camera{}, usageError{errors.New("--out is missing: name the folder to save the pictures in")}
	case o.count < 1:
		return config.Camera{}, usageError{fmt.Errorf("--count is %d: ask for at least one picture", o.count)}
	case (o.url == "") == (o.station == ""):
		return config.Camera{}, usageError{errors.New("name --station, or --camera, and not both")}
	case o.url != "":
		c := config.DefaultStation().Camera
		c.URL = o.url
		return c, nil
	}
	cfg, err := loadConfig(o.config)
	if err != nil {
		return config.Camera{}, err
	}
	s := cfg.Station(o.station)
	if s == nil {
		return config.Camera{}, fmt.Errorf("%s has no station %q: it has %v", cfg.Path(), o.station, stationNames(cfg))
	}
	return s.Camera, nil
}

// collect saves o.count pictures; each must come within the camera's time-outs.
func collect(ctx context.Context, out io.Writer, o collectOptions, settings config.Camera) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	cam, err := camera.Open(settings, consoleLog(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := cam.Run(ctx); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	})
	saved, err := savePictures(ctx, cam, o, settings.OpenTimeout+settings.ReadTimeout+o.every)
	stop()
	if err := errors.Join(err, g.Wait()); err != nil {
		return fmt.Errorf("%d of %d pictures saved in %s: %w", saved, o.count, o.out, err)
	}
	_, err = fmt.Fprintf(out, "%d pictures saved in %s\n", saved, o.out)
	return err
}

func savePictures(ctx context.Context, cam *camera.Camera, o collectOptions, patience time.Duration) (int, error) {
	tell, end := newProgress("saving pictures")
	defer end()
	began := time.Now().UTC().Format("20060102T150405Z")
	for n := range o.count {
		due := time.Now().Add(o.every)
		if err := savePicture(ctx, cam, patience, filepath.Join(o.out, fmt.Sprintf("%s_%05d.png", began, n))); err != nil {
			return n, err
		}
		tell(n+1, o.count)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return n + 1, context.Cause(ctx)
		}
	}
	return o.count, nil
}

func savePicture(ctx context.Context, cam *camera.Camera, patience time.Duration, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f, err := cam.Next(ctx, time.Time{})
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
	if !gocv.IMWrite(path, f.Picture) {
		return fmt.Errorf("%s cannot be written: is the disk full?", path)
	}
	return nil
}
