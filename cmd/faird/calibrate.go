package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/pipeline"
	"faird/train/calibrate"
)

type calibrateOptions struct {
	model, good, out, provider, library string
	json                                bool
	maxPixels                           pixelLimit
	k                                   float64
	smooth                              int
	calibrate.Options
}

// calibrated is the JSON of faird calibrate.
type calibrated struct {
	File        string             `json:"file"`     // that was written
	Model       string             `json:"model"`    // "sha256:…" of it
	N           int                `json:"n"`        // good parts that differ: near-duplicates count once
	Images      int                `json:"images"`   // of them
	Findings    []string           `json:"findings"` // what is to be said of the pictures; never null
	Threshold   float64            `json:"threshold"`
	Review      *float64           `json:"review"`
	FalseReject float64            `json:"false_reject"` // rate aimed at
	Confidence  float64            `json:"confidence"`
	Proven      float64            `json:"proven_false_reject"` // rate that so many pictures prove
	Needed      int                `json:"needed"`              // pictures that prove the rate aimed at
	Odd         []calibrate.Scored `json:"odd"`                 // never null
	Broken      []string           `json:"broken"`              // never null
}

func calibrateCommand() *cobra.Command {
	o := calibrateOptions{Options: calibrate.Default()}
	c := &cobra.Command{
		Use:   "calibrate --model m.onnx --good DIR",
		Short: "Sets a model's threshold from good pictures alone",
		Long: `Scores good pictures as the daemon would, sets the threshold for a false-reject
rate, and says what so many pictures prove. Take pictures that the model was not
trained on. The model file is replaced in one step, or --out names another; it also
gets golden samples, by which every box checks that it computes the same scores.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return usageError{err}
			}
			return runCalibrate(c.Context(), c.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", "", "model file")
	f.StringVar(&o.good, "good", "", "folder of good pictures, searched with the folders in it")
	f.StringVar(&o.out, "out", "", "model file to write (default: the model itself)")
	f.Float64Var(&o.FalseReject, "false-reject", o.FalseReject, "share of the good parts that may be rejected")
	f.Float64Var(&o.Confidence, "confidence", o.Confidence, "with which that is to hold")
	f.Float64Var(&o.ReviewRate, "review-rate", 0, "share of the good parts that may go to a person for review (default: no review)")
	f.Float64Var(&o.k, "k", 0, "weight of the colour difference in the paper's score (default: the model's)")
	f.IntVar(&o.smooth, "smooth", 0, "side of the mean filter of the anomaly map, odd (default: the model's)")
	f.StringVar(&o.Score, "score", "", "normalised (measured against what good images look like), or paper (eq. 10) (default: the model's)")
	f.BoolVar(&o.Distinct, "distinct", false, "each picture shows another part: do not count near-duplicates once")
	f.BoolVar(&o.Force, "force", false, "calibrate although the pictures score far above the model's own threshold, or a foreign network restores nothing like them")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
	return c
}

func (o *calibrateOptions) check() error {
	switch {
	case o.model == "":
		return errors.New("--model is missing: name the model file")
	case o.good == "":
		return errors.New("--good is missing: name the folder of good pictures")
	case o.model == config.DemoModel && o.out == "":
		return errors.New("--out is missing: the built-in model cannot be replaced")
	}
	return o.Check()
}

func runCalibrate(ctx context.Context, out io.Writer, o calibrateOptions) error {
	o.Infer = config.Default().Infer
	o.Infer.Provider, o.Infer.Library = o.provider, o.library
	o.Log = consoleLog(zerolog.ErrorLevel) // that a model is not calibrated is no news here
	file, err := pipeline.VetModel(ctx, o.model, o.Infer, o.Log)
	if err != nil && (file == nil || !errors.Is(err, inspect.ErrGolden)) { // golden samples with other scores here are made anew
		return err
	}
	if err := o.rescore(file); err != nil {
		return usageError{err}
	}
	good, skipped, err := calibrate.Folder(o.good, file.Width, file.Height, int(o.maxPixels))
	if err != nil {
		return fmt.Errorf("good pictures: %w", err)
	}
	tell, end := newProgress("scoring good pictures")
	outcome, err := calibrate.Run(ctx, file, good, o.Options, tell)
	end()
	if err != nil {
		return fmt.Errorf("calibration on %s: %w", o.good, err)
	}
	found := findings(o.good, skipped, outcome)
	warnEach(found)
	path := cmp.Or(o.out, o.model)
	if err := model.Write(path, outcome.File); err != nil {
		return err
	}
	if !o.json {
		return printCalibrated(out, path, outcome, "take it out and calibrate again")
	}
	j := json.NewEncoder(out)
	j.SetIndent("", " ")
	return j.Encode(newCalibrated(path, outcome, found))
}

// rescore puts other scoring constants into the model. What was measured with
// the old ones goes: it means nothing with the new.
func (o *calibrateOptions) rescore(file *model.File) error {
	s, score := file.Scoring, calibrate.ScoreOf(file)
	if o.Score != "" && o.Score != score {
		score, s.Scales = o.Score, calibrate.Scales[o.Score]
	}
	if o.k != 0 && score == calibrate.Normalised {
		return errors.New("--k weighs the colour of the paper's score, and the model's is normalised: leave it out, or say --score paper")
	}
	if o.k != 0 {
		s.K = o.k
	}
	if o.smooth != 0 {
		s.Smooth = o.smooth
	}
	if s != file.Scoring {
		file.Scoring, file.Calibration, file.Golden = s, nil, nil
	}
	return s.Validate()
}

func newCalibrated(path string, outcome *calibrate.Outcome, found []string) calibrated {
	c := outcome.File.Calibration
	r := calibrated{
		File: path, Model: outcome.File.Hash, N: c.N, Images: max(c.N, c.Images), Threshold: c.Threshold, Review: c.Review,
		FalseReject: c.FalseReject, Confidence: c.Confidence, Proven: calibrate.Proven(c),
		Needed:   calibrate.Needed(c.FalseReject, c.Confidence),
		Findings: found, Odd: append([]calibrate.Scored{}, outcome.Odd...), Broken: []string{},
	}
	for _, err := range outcome.Broken {
		r.Broken = append(r.Broken, err.Error())
	}
	return r
}

// mostOdd is how many odd pictures are named on a screen; the JSON names all.
const mostOdd = 10

// printCalibrated says what came out; remedy is what to do should an odd picture
// be defective.
func printCalibrated(out io.Writer, path string, outcome *calibrate.Outcome, remedy string) error {
	c := outcome.File.Calibration
	p := &printer{out: out}
	p.line("%s", calibrate.Words(c))
	p.line("threshold %.4f (good pictures: median %.4f, largest %.4f)", c.Threshold, c.Quantiles["0.5"], c.Quantiles["1"])
	if calibrate.Proven(c) > c.FalseReject {
		p.line("  set so that %.2g%% of good parts are rejected, by a model of the tail; all these pictures are below it", 100*c.FalseReject)
	}
	if c.Review != nil {
		p.line("review from %.4f", *c.Review)
	}
	for _, err := range outcome.Broken {
		p.line("left out: %v", err)
	}
	if n := len(outcome.Odd); n > 0 {
		p.line("the good pictures disagree: %d of %d score far above the others and lift the threshold; look at them, and if one is defective, %s", n, c.N, remedy)
		for _, odd := range outcome.Odd[:min(n, mostOdd)] {
			p.line("  %.4f  %s", odd.Score, odd.Name)
		}
		if n > mostOdd {
			p.line("  and %d more", n-mostOdd)
		}
	}
	p.line("written to %s", path)
	return p.err
}
