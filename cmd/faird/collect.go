package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/camera"
	"faird/config"
)

type collectOptions struct {
	config, station, url, out string
	count                     int
	every                     time.Duration
	json                      bool
}

// collected is the JSON of faird collect.
type collected struct {
	Folder   string `json:"folder"`
	Pictures int    `json:"pictures"`
}

func collectCommand() *cobra.Command {
	var o collectOptions
	c := &cobra.Command{
		Use:   "collect --station S --count N --out DIR",
		Short: "Saves pictures from a station's camera, to train on",
		Long: `Saves the next pictures of a station's camera as PNG, cut to the station's region
of interest and held as the station holds it (aligned, turned, mirrored, in tiles):
what the model will see. Of several regions each has a folder of its own, named
after it. Put only good parts before the camera, for the model learns what it is
shown. The station's model need not exist yet. --camera names a camera instead of a
station of the config.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return usageError{err}
			}
			s, err := o.source()
			if err != nil {
				return err
			}
			return runCollect(c.Context(), c.OutOrStdout(), o, s)
		},
	}
	addConfigFlag(c, &o.config)
	f := c.Flags()
	f.StringVar(&o.station, "station", "", "station of the config whose camera to use")
	f.StringVar(&o.url, "camera", "", "URL of a camera, in place of a station's")
	f.StringVar(&o.out, "out", "", "folder to save the pictures in")
	f.IntVar(&o.count, "count", 100, "pictures to save")
	f.DurationVar(&o.every, "every", 0, "least time between two pictures, say 1s")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	return c
}

func (o *collectOptions) check() error {
	switch {
	case o.out == "":
		return errors.New("--out is missing: name the folder to save the pictures in")
	case o.count < 1:
		return fmt.Errorf("--count is %d: ask for at least one picture", o.count)
	case o.every < 0:
		return fmt.Errorf("--every is %s: must not be negative", o.every)
	case (o.url == "") == (o.station == ""):
		return errors.New("name --station, or --camera, and not both")
	}
	return nil
}

// source is the station to collect from, or one with the camera that was named.
func (o *collectOptions) source() (*config.Station, error) {
	if o.url != "" {
		s := config.DefaultStation()
		s.Camera.URL = o.url
		return &s, nil
	}
	_, s, err := stationOf(o.config, o.station)
	return s, err // its files are not checked: the model is yet to be made
}

// runCollect saves o.count pictures; each must come within the camera's time-outs.
func runCollect(ctx context.Context, out io.Writer, o collectOptions, s *config.Station) error {
	cam, err := camera.Open(s.Camera, consoleLog(zerolog.ErrorLevel)) // what is wrong with it ends this command
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	eyes, err := newEyes(s, o.out)
	if err != nil {
		return err
	}
	defer closeEyes(eyes)
	taking, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := cam.Run(taking)
		ended <- err
		if err != nil && !errors.Is(err, io.EOF) {
			stop()
		}
	}()
	c := collector{
		camera: cam, eyes: eyes, every: o.every, began: time.Now(), log: consoleLog(zerolog.WarnLevel),
		patience: s.Camera.OpenTimeout + s.Camera.ReadTimeout + o.every,
	}
	err = c.save(taking, o.count)
	stop()
	switch broke := <-ended; {
	case ctx.Err() != nil:
		err = errors.New("stopped")
	case broke != nil && !errors.Is(broke, io.EOF):
		err = broke
	}
	if err != nil {
		return fmt.Errorf("%d of %d pictures saved in %s: %w", c.saved, o.count, o.out, err)
	}
	if o.json {
		return json.NewEncoder(out).Encode(collected{o.out, c.saved})
	}
	_, err = fmt.Fprintf(out, "%d pictures saved in %s\n", c.saved, o.out)
	return err
}
