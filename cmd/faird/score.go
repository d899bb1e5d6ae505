package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/config"
	"faird/inspect"
	"faird/pipeline"
	"faird/verdict"
)

// scored is one line of the JSON of faird score.
type scored struct {
	File      string           `json:"file"`
	Score     *float64         `json:"score"` // nil where the picture cannot be judged
	Verdict   *verdict.Kind    `json:"verdict"`
	Threshold *float64         `json:"threshold"`
	Regions   []verdict.Region `json:"regions"`

	Detail string `json:"detail,omitempty"` // why a picture cannot be judged

	// With --station.
	Inspected []verdict.Inspected `json:"inspected,omitempty"`
	Alignment *verdict.Alignment  `json:"alignment,omitempty"`
}

type scoreOptions struct {
	model, maps, provider, library string
	config, station                string
	threshold                      float64
	maxPixels                      pixelLimit
	json                           bool
}

func scoreCommand() *cobra.Command {
	var o scoreOptions
	c := &cobra.Command{
		Use:   "score --model m.onnx FILE|DIR...",
		Short: "Scores picture files as the daemon would, and says what the verdict would be",
		Long: `Scores picture files, and the images in folders. One that cannot be read gets a line
that says why, and the exit status is 1. With --model each file is scored as it is: what faird collect
saved. With --station each is taken for a whole picture of that station's camera:
its regions, rotation, tiles, alignment, models, thresholds and limits count, as
the config file names them.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			files, err := expand(files)
			if err != nil {
				return err
			}
			override := c.Flags().Changed("threshold")
			if o.station != "" {
				if o.model != "" || override {
					return usageError{errors.New("--station comes with its models and thresholds: leave out --model and --threshold")}
				}
				return scoreAsStation(c.Context(), c.OutOrStdout(), o, c.Flags().Changed(maxPixelsFlag), files)
			}
			if o.model == "" {
				return usageError{fmt.Errorf("--model is missing: name the model file (or %q for the built-in one), or --station", config.DemoModel)}
			}
			return score(c.Context(), c.OutOrStdout(), o, override, files)
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", "", "model file")
	addConfigFlag(c, &o.config)
	f.StringVar(&o.station, "station", "", "station of the config to judge as, in place of --model")
	f.StringVar(&o.maps, "map", "", "folder to write each picture's anomaly map to")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.Float64Var(&o.threshold, "threshold", 0, "threshold, in place of the model's own")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
	return c
}

// addInferFlags adds the flags that say how the network runs.
func addInferFlags(c *cobra.Command, provider, library *string) {
	c.Flags().StringVar(provider, "provider", "cpu", "what runs the network: cpu, cuda, tensorrt or auto")
	c.Flags().StringVar(library, "library", "", "ONNX Runtime library (default: where make deps put it)")
}

func score(ctx context.Context, out io.Writer, o scoreOptions, override bool, files []string) error {
	m, err := loadModel(ctx, o.model, o.provider, o.library)
	if err != nil {
		return err
	}
	defer m.Close()
	i, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return err
	}
	defer i.Close()
	limits := modelLimits(m)
	if override {
		limits = &pipeline.Thresholds{Threshold: o.threshold}
	}
	names := mapNames(files)
	return scoreEach(out, o, files, func(n int, file string) (scored, error) {
		r, err := scoreFile(ctx, i, file, int(o.maxPixels), limits)
		if err == nil && o.maps != "" {
			err = writeMap(i, filepath.Join(o.maps, names[n]), level(limits))
		}
		return r, err
	}, printScored)
}

// printAll prints the JSON document, where it is asked for.
func printAll(out io.Writer, o scoreOptions, results []scored) error {
	if !o.json {
		return nil
	}
	e := json.NewEncoder(out)
	e.SetIndent("", " ")
	return e.Encode(results)
}

// loadModel opens a model for a command; its log goes nowhere below a warning.
func loadModel(ctx context.Context, path, provider, library string) (*inspect.Model, error) {
	c := config.Default().Infer
	c.Provider, c.Library = provider, library
	log := consoleLog(zerolog.WarnLevel)
	f, err := pipeline.VetModel(ctx, path, c, log)
	if err != nil {
		return nil, err
	}
	return inspect.Open(f, c, log)
}

// modelLimits are the model's own thresholds, nil where it is not calibrated.
func modelLimits(m *inspect.Model) *pipeline.Thresholds {
	c := m.File().Calibration
	if c == nil {
		return nil
	}
	return &pipeline.Thresholds{Threshold: c.Threshold, Review: c.Review}
}

// level is the map value from which a pixel belongs to a region.
func level(l *pipeline.Thresholds) *float64 {
	if l == nil {
		return nil
	}
	return l.Level()
}

func scoreFile(ctx context.Context, i *inspect.Inspector, file string, maxPixels int, limits *pipeline.Thresholds) (scored, error) {
	picture, err := inspect.ReadPicture(file, maxPixels)
	if err != nil {
		return scored{}, fileError{err}
	}
	defer picture.Close()
	var r inspect.Result
	if err := i.Inspect(ctx, picture, level(limits), &r); errors.Is(err, inspect.ErrPicture) {
		return scored{}, fileError{fmt.Errorf("%s: %w", file, err)}
	} else if err != nil {
		return scored{}, fmt.Errorf("%s: %w", file, err)
	}
	s := scored{File: file, Score: &r.Score, Regions: append([]verdict.Region{}, r.Regions...)}
	if limits != nil {
		k := verdict.Judge(r.Score, limits.Threshold, limits.Review)
		s.Verdict, s.Threshold = &k, &limits.Threshold
	}
	return s, nil
}

// mapNames are the files that the maps go to: named after the pictures, and
// after their folders too where two pictures have one name.
func mapNames(files []string) []string {
	count := map[string]int{}
	for _, f := range files {
		count[stem(f)]++
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = stem(f) + "_map.png"
		if count[stem(f)] > 1 {
			names[i] = strings.ReplaceAll(strings.Trim(filepath.Dir(f), "./"), string(filepath.Separator), "_") + "_" + names[i]
		}
	}
	return names
}

func stem(file string) string { return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) }

func writeMap(i *inspect.Inspector, path string, level *float64) error {
	png, err := i.MapPicture(level)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("--map: %w", err)
	}
	return os.WriteFile(path, png, 0o644)
}

func printScored(out io.Writer, r scored) error {
	if r.Score == nil {
		_, err := fmt.Fprintf(out, "no score  %s  %s\n", r.Detail, r.File)
		return err
	}
	word := "not judged: the model is not calibrated and no --threshold is given"
	if r.Verdict != nil {
		word = fmt.Sprintf("%-4s (threshold %.4f, %d region(s))", *r.Verdict, *r.Threshold, len(r.Regions))
	}
	_, err := fmt.Fprintf(out, "%.6f  %s  %s\n", *r.Score, word, r.File)
	return err
}
