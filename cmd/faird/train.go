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

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/fair"
	"faird/model"
	"faird/train"
	"faird/train/defect"
	"faird/train/fit"
	"faird/train/threshold"
)

// defaultTime is how long a training takes that is told nothing else.
const defaultTime = 30 * time.Minute

type trainOptions struct {
	train.Options
	out, size, filter, cutpaste  string
	preview, checkpoint, library string
	provider                     string
	nsa, noTexture, noRotate     bool
	json                         bool
}

// trained is the JSON of faird train.
type trained struct {
	File        string             `json:"file"`
	Model       string             `json:"model"` // "sha256:…"
	Steps       int                `json:"steps"`
	Seconds     float64            `json:"seconds"` // of training, over all runs
	Loss        float64            `json:"loss"`    // MSE + 1 - SSIM, mean of the last fifty steps or so
	Calibration *model.Calibration `json:"calibration"`
}

func trainCommand() *cobra.Command {
	o := trainOptions{Options: train.Default()}
	c := &cobra.Command{
		Use:   "train --good DIR --out m.onnx",
		Short: "Trains, calibrates and writes a model from good pictures alone",
		Long: `Trains a network on a folder of good pictures, sets its threshold on pictures
held back from training, adds golden samples and writes the model file.

Without --steps, --epochs or --time it trains for 30 minutes. A checkpoint is
written beside the model every minute and on Ctrl-C; --resume goes on from it.
--preview shows what the network would see, and trains nothing.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.settle(); err != nil {
				return usageError{err}
			}
			if o.preview != "" {
				return runPreview(c.Context(), c.OutOrStdout(), o)
			}
			return runTrain(c.Context(), c.OutOrStdout(), o)
		},
	}
	o.flags(c)
	return c
}

func (o *trainOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.Good, "good", "", "folder of good pictures")
	f.StringVar(&o.out, "out", "", "model file to write")
	f.IntVar(&o.Base, "width", o.Base, "width of the network: channels of its first level, 8 to 128")
	f.StringVar(&o.size, "size", "256", "the model's picture size in pixels, multiples of 16: 256, or 320x192 (width x height)")
	f.IntVar(&o.Epochs, "epochs", 0, "how long to train: times through all pictures")
	f.IntVar(&o.Steps, "steps", 0, "how long to train: steps of --batch pictures")
	f.DurationVar(&o.Time, "time", 0, "how long to train: say 20m")
	f.IntVar(&o.Batch, "batch", o.Batch, "pictures a step")
	f.Float64Var(&o.Rate, "lr", o.Rate, "learning rate at the start; times 0.2 at 80% and 90%")
	f.StringVar(&o.filter, "filter", string(o.Filter.Type), "butterworth, ideal, gaussian, sobel_x or sobel_xy")
	f.Float64Var(&o.Filter.D0, "d0", o.Filter.D0, "cut-off of the filter in DFT bins")
	f.IntVar(&o.Filter.Order, "order", o.Filter.Order, "order of the Butterworth filter")
	f.IntVar(&o.Filter.KSize, "ksize", 3, "side of the Sobel kernel: 3 or 5")
	f.Float64Var(&o.Scoring.K, "k", o.Scoring.K, "weight of the colour difference in the score")
	f.IntVar(&o.Scoring.Smooth, "smooth", o.Scoring.Smooth, "side of the mean filter of the anomaly map, odd")
	f.StringVar(&o.Textures, "textures", "", "folder of texture pictures (default: the good pictures themselves)")
	f.StringVar(&o.cutpaste, "cutpaste", defect.FormPaper, "form of CutPaste: paper, authors or off")
	f.BoolVar(&o.nsa, "nsa", false, "also blend in patches of other good pictures")
	f.BoolVar(&o.noTexture, "no-texture", false, "no texture defects")
	f.BoolVar(&o.noRotate, "no-rotate", false, "do not turn pictures: for parts that always lie the same way")
	f.Uint64Var(&o.Seed, "seed", 0, "of everything random")
	f.IntVar(&o.Workers, "workers", 0, "goroutines that make samples (default: one a core)")
	f.Float64Var(&o.HoldBack, "hold-back", o.HoldBack, "share of the pictures kept for the threshold")
	f.Float64Var(&o.FalseReject, "false-reject", o.FalseReject, "share of good parts that the threshold may reject")
	f.StringVar(&o.checkpoint, "checkpoint", "", "checkpoint file (default: the model file with .ckpt)")
	f.StringVar(&o.Resume, "resume", "", "checkpoint to go on from")
	f.StringVar(&o.preview, "preview", "", "folder to write a contact sheet of samples to, instead of training")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	addInferFlags(c, &o.provider, &o.library)
}

// settle turns flags into options and says which are wrong.
func (o *trainOptions) settle() error {
	if o.Good == "" {
		return errors.New("--good is missing: name the folder of good pictures")
	}
	if o.out == "" && o.preview == "" {
		return errors.New("--out is missing: name the model file to write")
	}
	if _, err := fmt.Sscanf(o.size+"x"+o.size, "%dx%d", &o.Width, &o.Height); err != nil || strings.Count(o.size, "x") > 1 {
		return fmt.Errorf("--size %q: write it as 256 or 320x192", o.size)
	}
	o.Filter = onlyItsOwn(fair.FilterType(o.filter), o.Filter)
	if o.Steps == 0 && o.Epochs == 0 && o.Time == 0 {
		o.Time = defaultTime
	}
	o.Mix = mix(o.cutpaste, o.nsa, o.noTexture, o.noRotate)
	o.Infer.Provider, o.Infer.Library = o.provider, o.library
	o.Log = consoleLog(zerolog.WarnLevel)
	o.Checkpoint = o.checkpoint
	if o.Checkpoint == "" && o.out != "" {
		o.Checkpoint = strings.TrimSuffix(o.out, filepath.Ext(o.out)) + ".ckpt"
	}
	return o.Check()
}

// onlyItsOwn is a filter of a type with those parameters that the type has.
func onlyItsOwn(t fair.FilterType, f fair.Filter) fair.Filter {
	switch t {
	case fair.SobelX, fair.SobelXY:
		return fair.Filter{Type: t, KSize: f.KSize}
	case fair.Butterworth:
		return fair.Filter{Type: t, D0: f.D0, Order: f.Order}
	default:
		return fair.Filter{Type: t, D0: f.D0}
	}
}

// mix is the paper's mix with what is switched off left out.
func mix(cutpaste string, nsa, noTexture, noRotate bool) defect.Mix {
	m := defect.PaperMix(cutpaste)
	if cutpaste == "off" {
		m.CutPaste, m.Form = 0, ""
	}
	if nsa {
		m.Patch = 0.25
	}
	if noTexture {
		m.Texture = 0
	}
	if noRotate {
		m.Rotate = 0
	}
	return m
}

func runPreview(ctx context.Context, out io.Writer, o trainOptions) error {
	if err := os.MkdirAll(o.preview, 0o755); err != nil {
		return fmt.Errorf("--preview: %w", err)
	}
	path, err := train.Preview(ctx, o.Options, o.preview)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, path)
	return err
}

func runTrain(ctx context.Context, out io.Writer, o trainOptions) error {
	d := newTrainDisplay(os.Stderr)
	file, err := train.Run(ctx, o.Options, d.show)
	d.end()
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped; go on with the same flags and --resume %s", o.Checkpoint)
	case errors.Is(err, fit.ErrDiverged):
		return fmt.Errorf("%w; the last good state is in %s: go on from it with a lower --lr", err, o.Checkpoint)
	case err != nil:
		return err
	}
	if err := model.Write(o.out, file); err != nil {
		return err
	}
	if err := os.Remove(o.Checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	r := trained{File: o.out, Model: file.Hash, Steps: d.last.Step, Seconds: d.last.Spent.Seconds(), Loss: d.last.Loss, Calibration: file.Calibration}
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	p := &printer{out: out}
	p.line("%s: %d steps in %s, loss %.4f", o.out, r.Steps, d.last.Spent.Round(time.Second), r.Loss)
	p.line("threshold %.4f; %s", file.Calibration.Threshold, threshold.Words(file.Calibration))
	return p.err
}
