package main

import (
	"context"
	"encoding/json"
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
	Score     float64          `json:"score"`
	Verdict   *verdict.Kind    `json:"verdict"`
	Threshold *float64         `json:"threshold"`
	Regions   []verdict.Region `json:"regions"`
}

type scoreOptions struct {
	model, maps, provider, library string
	threshold                      float64
	json                           bool
}

func scoreCommand() *cobra.Command {
	var o scoreOptions
	c := &cobra.Command{
		Use:   "score --model m.onnx FILE...",
		Short: "Scores picture files as the daemon would, and says what the verdict would be",
		Args:  args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			if o.model == "" {
				return usageError{fmt.Errorf("--model is missing: name the model file (or %q for the built-in one)", config.DemoModel)}
			}
			return score(c.Context(), c.OutOrStdout(), o, c.Flags().Changed("threshold"), files)
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", "", "model file")
	f.StringVar(&o.maps, "map", "", "folder to write each picture's anomaly map to")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.Float64Var(&o.threshold, "threshold", 0, "threshold, in place of the model's own")
	addInferFlags(c, &o.provider, &o.library)
	return c
}

// addInferFlags adds the flags that say how the network runs.
func addInferFlags(c *cobra.Command, provider, library *string) {
	c.Flags().StringVar(provider, "provider", "cpu", "what runs the network: cpu, cuda, tensorrt or auto")
	c.Flags().StringVar(library, "library", "", "ONNX Runtime library (default: where make deps put it)")
}

func score(ctx context.Context, out io.Writer, o scoreOptions, override bool, files []string) error {
	m, err := loadModel(o.model, o.provider, o.library)
	if err != nil {
		return err
	}
	defer m.Close()
	i, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return err
	}
	defer i.Close()
	threshold := modelThreshold(m)
	if override {
		threshold = &o.threshold
	}
	results := make([]scored, 0, len(files))
	for _, file := range files {
		r, err := scoreFile(ctx, i, file, threshold, o.maps)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if !o.json {
			if err := printScored(out, r); err != nil {
				return err
			}
		}
		results = append(results, r)
	}
	if !o.json {
		return nil
	}
	e := json.NewEncoder(out)
	e.SetIndent("", " ")
	return e.Encode(results)
}

// loadModel opens a model for a command; its log goes nowhere below a warning.
func loadModel(path, provider, library string) (*inspect.Model, error) {
	f, err := pipeline.ReadModel(path)
	if err != nil {
		return nil, err
	}
	c := config.Default().Infer
	c.Provider, c.Library = provider, library
	return inspect.Open(f, c, consoleLog(zerolog.WarnLevel))
}

func modelThreshold(m *inspect.Model) *float64 {
	if c := m.File().Calibration; c != nil {
		return &c.Threshold
	}
	return nil
}

func scoreFile(ctx context.Context, i *inspect.Inspector, file string, threshold *float64, maps string) (scored, error) {
	picture, err := inspect.ReadPicture(file)
	if err != nil {
		return scored{}, err
	}
	defer picture.Close()
	var r inspect.Result
	if err := i.Inspect(ctx, picture, threshold, &r); err != nil {
		return scored{}, err
	}
	s := scored{File: file, Score: r.Score, Threshold: threshold, Regions: append([]verdict.Region{}, r.Regions...)}
	if threshold != nil {
		k := verdict.Judge(r.Score, *threshold, nil)
		s.Verdict = &k
	}
	if maps != "" {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + "_map.png"
		if err := writeMap(i, filepath.Join(maps, name), threshold); err != nil {
			return scored{}, err
		}
	}
	return s, nil
}

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
	word := "not calibrated"
	if r.Verdict != nil {
		word = fmt.Sprintf("%-4s (threshold %.4f, %d region(s))", *r.Verdict, *r.Threshold, len(r.Regions))
	}
	_, err := fmt.Fprintf(out, "%.6f  %s  %s\n", r.Score, word, r.File)
	return err
}
