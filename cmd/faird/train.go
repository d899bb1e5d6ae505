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
	"time"

	"github.com/spf13/cobra"

	"faird/model"
	"faird/train"
	"faird/train/fit"
	"faird/train/quantize"
)

// trained is the JSON of faird train: what it did, and all that faird calibrate
// says.
type trained struct {
	Pictures int      `json:"pictures"` // trained on
	Parts    int      `json:"parts"`    // that these and those held back show: near-duplicates count once
	Steps    int      `json:"steps"`
	Seconds  float64  `json:"seconds"` // of training, over all runs
	Loss     *float64 `json:"loss"`    // MSE + 1 - SSIM, mean of the last fifty steps or so; null where no step was left

	Precision string         `json:"precision"` // of the model: int8 or float32
	Float32   *string        `json:"float32"`   // file of its float32 form; null where the model is that
	Quantised *quantize.Loss `json:"quantised"` // what 8 bits change; null where they were not tried
	calibrated
}

func trainCommand() *cobra.Command {
	o := trainOptions{Options: train.Default()}
	c := &cobra.Command{
		Use:   "train --good DIR --out m.onnx",
		Short: "Trains, calibrates and writes a model from good pictures alone",
		Long: `Trains a network on a folder of good pictures, sets its threshold on pictures
held back from training, adds golden samples and writes the model file.

Without --steps, --epochs or --time it trains for 30 minutes. A checkpoint is
written every minute and on Ctrl-C, beside the model; --resume goes on from it with
the same flags, but for --lr, --steps and --time: a longer time trains for longer.
It is removed once the model is written. Where the CPU runs the network, the model
is brought to 8 bits, if that changes no verdict on its golden samples; its float32
form is written beside it (m.float32.onnx). --preview writes a picture of what the
network is shown; without --out it does only that.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.settle(c.Flags().Changed); err != nil {
				return usageError{err}
			}
			if o.Preview != "" {
				if err := os.MkdirAll(o.Preview, 0o755); err != nil {
					return fmt.Errorf("--preview: %w", err)
				}
			}
			if o.out == "" {
				return runPreview(c.Context(), c.OutOrStdout(), o)
			}
			return runTrain(c.Context(), c.OutOrStdout(), o)
		},
	}
	o.flags(c)
	return c
}

func runPreview(ctx context.Context, out io.Writer, o trainOptions) error {
	path, err := train.Preview(ctx, o.Options, o.Preview)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(map[string]string{"preview": path})
	}
	_, err = fmt.Fprintln(out, path)
	return err
}

func runTrain(ctx context.Context, out io.Writer, o trainOptions) error {
	if err := o.beforehand(); err != nil {
		return err
	}
	d := newTrainDisplay(os.Stderr, o.plan)
	if o.progress == progressJSON {
		d.tell = tellJSON(os.Stderr, time.Now)
	}
	result, err := train.Run(ctx, o.Options, d.show)
	d.end()
	if err != nil {
		return o.explain(err)
	}
	if err := o.write(result); err != nil {
		return fmt.Errorf("%w; the training is in %s: make room, and go on with --resume %s", err, o.Checkpoint, o.Checkpoint)
	}
	if err := os.Remove(o.Checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if o.json {
		j := json.NewEncoder(out)
		j.SetIndent("", " ")
		return j.Encode(o.trained(result, d.loss()))
	}
	p := &printer{out: out}
	p.line("trained on %d pictures: %d steps in %s%s", result.Pictures, result.Steps, result.Spent.Round(time.Second), d.lossWords())
	switch {
	case result.Float32 != nil:
		p.line("brought to 8 bits for the CPU: scores correlate with float32's at %.4f and change by %.2f%% of the threshold; that form is %s",
			result.Quantised.Loss.Correlation, 100*result.Quantised.Loss.MeanChange, o.float32File())
	case result.Quantised != nil:
		p.line("left in float32: in 8 bits verdicts on golden samples would change: %s", strings.Join(result.Quantised.Loss.Changed, "; "))
	}
	if _, err := os.Stat(o.float32File()); err == nil && result.Float32 == nil {
		p.line("%s is of an earlier model, not of this one", o.float32File())
	}
	p.line("calibrated on the %d held back:", len(result.Scores))
	if p.err != nil {
		return p.err
	}
	return printCalibrated(out, o.out, &result.Outcome, "look through the others too and train again without")
}

// write writes the model, after its float32 form where that is another.
func (o *trainOptions) write(r *train.Result) error {
	if r.Float32 != nil {
		if err := model.Write(o.float32File(), r.Float32); err != nil {
			return err
		}
	}
	return model.Write(o.out, r.File)
}

func (o *trainOptions) float32File() string { return beside(o.out, ".float32"+filepath.Ext(o.out)) }

func (o *trainOptions) trained(r *train.Result, loss *float64) trained {
	t := trained{
		Pictures: r.Pictures, Parts: r.Examined.Parts, Steps: r.Steps, Seconds: r.Spent.Seconds(), Loss: loss, Precision: r.File.Precision(),
		calibrated: newCalibrated(o.out, &r.Outcome, append([]string{}, r.Examined.Words...)),
	}
	if r.Quantised != nil {
		t.Quantised = &r.Quantised.Loss
	}
	if r.Float32 != nil {
		file := o.float32File()
		t.Float32 = &file
	}
	return t
}

// plan says in one line what is about to happen.
func (o *trainOptions) plan(e *train.Examined) string {
	long := fmt.Sprintf("%d steps", o.Steps)
	switch {
	case o.Time > 0:
		long = o.Time.String()
	case o.Epochs > 0:
		long = fmt.Sprintf("%d epochs", o.Epochs)
	}
	samples := ""
	if o.Preview != "" {
		samples = fmt.Sprintf("; samples in %s/%s", o.Preview, train.PreviewName)
	}
	parts := ""
	if e.Parts < e.Pictures {
		parts = fmt.Sprintf(" of %d parts", e.Parts)
	}
	return fmt.Sprintf("learning from %d pictures%s in %s for %s: network of width %d for %dx%d pixels, %s filter, %d pictures a step; checkpoint %s%s",
		e.Pictures, parts, o.Good, long, o.Base, o.Width, o.Height, o.Filter.Type, o.Batch, o.Checkpoint, samples)
}

// explain says what to do about a training that ended early.
func (o *trainOptions) explain(err error) error {
	_, missing := os.Stat(o.Checkpoint)
	switch {
	case errors.Is(err, fit.ErrDiverged):
		return fmt.Errorf("%w; %s has the last good state: go on from it with --resume %s and a lower --lr than %g, or start again with one",
			err, o.Checkpoint, o.Checkpoint, o.Rate)
	case errors.Is(err, fit.ErrUnsaved) || !errors.Is(err, context.Canceled):
		return err
	case missing != nil:
		return errors.New("stopped before the first step: start again")
	default:
		return fmt.Errorf("stopped; go on with the same flags and --resume %s", o.Checkpoint)
	}
}
