package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/config"
	"faird/eval"
	"faird/inspect"
	"faird/model"
	graph "faird/model/quantize"
	"faird/pipeline"
	"faird/train/calibrate"
	"faird/train/quantize"
)

type quantizeOptions struct {
	model, good, out, data, provider, library string
	json                                      bool
	maxPixels                                 pixelLimit
	quantize.Options
}

// quantisation is the JSON of faird quantize: how, what was lost, and all that
// faird calibrate says.
type quantisation struct {
	Target  string           `json:"target"`
	Chosen  quantize.Trial   `json:"chosen"`
	Trials  []quantize.Trial `json:"trials"`
	Loss    quantize.Loss    `json:"loss"`
	Float32 *eval.Figures    `json:"float32"` // on --data; null without
	Int8    *eval.Figures    `json:"int8"`
	calibrated
}

func quantizeCommand() *cobra.Command {
	o := quantizeOptions{Options: quantize.Options{Target: graph.CPU, Ranges: quantize.Best, Options: calibrate.Default()}}
	c := &cobra.Command{
		Use:   "quantize --model m.onnx --good DIR --out m.int8.onnx",
		Short: "Brings a model to 8 bits, and measures what that changes",
		Long: `Writes the 8-bit form of a float32 model: ranges measured on good pictures,
weights by channel, layers that hurt left in float32. The threshold is calibrated
again on all the pictures and the golden samples are scored again, so take pictures
that the model was not trained on. It is not written where a verdict on the model's
golden samples would change, unless --force says so.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return usageError{err}
			}
			return runQuantize(c.Context(), c.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", "", "float32 model file")
	f.StringVar(&o.good, "good", "", "folder of good pictures, searched with the folders in it")
	f.StringVar(&o.out, "out", "", "model file to write")
	f.StringVar(&o.data, "data", "", "folder of labelled pictures to judge with both")
	f.StringVar(&o.Target, "target", o.Target, "cpu or tensorrt: what runs it")
	f.StringVar(&o.Ranges, "ranges", o.Ranges, "how ranges are chosen: percentile, mse, largest, or best of them")
	f.StringSliceVar(&o.Float, "keep-float", nil, "layers left in float32 (default: the first, the last, and those that hurt)")
	f.Float64Var(&o.FalseReject, "false-reject", 0, "share of the good parts that may be rejected (default: the model's, or 0.001)")
	f.Float64Var(&o.Confidence, "confidence", o.Confidence, "with which that is to hold")
	f.Float64Var(&o.ReviewRate, "review-rate", 0, "share of the good parts that may go to a person for review (default: no review)")
	f.BoolVar(&o.Distinct, "distinct", false, "each picture shows another part: do not count near-duplicates once")
	f.BoolVar(&o.Force, "force", false, "write it although verdicts on golden samples change")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
	return c
}

func (o *quantizeOptions) check() error {
	switch {
	case o.model == "":
		return errors.New("--model is missing: name the model file")
	case o.good == "":
		return errors.New("--good is missing: name the folder of good pictures")
	case o.out == "":
		return errors.New("--out is missing: name the file to write")
	}
	probe := o.Options
	if probe.FalseReject == 0 {
		probe.FalseReject = calibrate.Default().FalseReject
	}
	return probe.Check()
}

func runQuantize(ctx context.Context, out io.Writer, o quantizeOptions) error {
	o.Infer = config.Default().Infer
	o.Infer.Provider, o.Infer.Library = o.provider, o.library
	o.Log = consoleLog(zerolog.ErrorLevel)
	file, err := pipeline.VetModel(ctx, o.model, o.Infer, o.Log)
	if err != nil {
		return err
	}
	if o.FalseReject == 0 {
		o.FalseReject = calibrate.Default().FalseReject
		if c := file.Calibration; c != nil {
			o.FalseReject = c.FalseReject
		}
	}
	good, skipped, err := calibrate.Folder(o.good, file.Width, file.Height, int(o.maxPixels))
	if err != nil {
		return fmt.Errorf("good pictures: %w", err)
	}
	stages := &stageProgress{}
	outcome, err := quantize.Run(ctx, file, good, o.Options, stages.tell)
	stages.end()
	if err != nil {
		return fmt.Errorf("quantising %s: %w", o.model, err)
	}
	found := findings(o.good, skipped, outcome.Outcome)
	warnEach(found)
	q := quantisation{Target: o.Target, Chosen: outcome.Chosen, Trials: outcome.Trials, Loss: outcome.Loss, calibrated: newCalibrated(o.out, outcome.Outcome, found)}
	if err := q.judge(ctx, file, outcome.File, o); err != nil {
		return err
	}
	refused := len(q.Loss.Changed) > 0 && !o.Force
	if !refused {
		if err := model.Write(o.out, outcome.File); err != nil {
			return err
		}
		q.Model = outcome.File.Hash
	}
	if err := q.print(out, o, outcome, refused); err != nil || !refused {
		return err
	}
	return fmt.Errorf("not written: verdicts on golden samples change: %s: calibrate the float32 model first, give more pictures, keep more layers in float32 (--keep-float), or --force it",
		strings.Join(q.Loss.Changed, "; "))
}

// judge sets both models' figures on labelled pictures side by side.
func (q *quantisation) judge(ctx context.Context, before, after *model.File, o quantizeOptions) error {
	if o.data == "" {
		return nil
	}
	set, err := eval.Find(o.data)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		file *model.File
		to   **eval.Figures
	}{{before, &q.Float32}, {after, &q.Int8}} {
		e, err := evaluate(ctx, m.file, set, o)
		if err != nil {
			return err
		}
		*m.to = &e.Figures
	}
	return nil
}

func evaluate(ctx context.Context, file *model.File, set *eval.Set, o quantizeOptions) (_ *eval.Evaluation, err error) {
	m, err := inspect.Open(file, o.Infer, o.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	options := eval.Options{MaxPixels: int(o.maxPixels)}
	if file.Calibration != nil {
		options.Threshold = &file.Calibration.Threshold
	}
	tell, end := newProgress("judging pictures")
	defer end()
	return eval.Run(ctx, m, set, options, tell)
}

func (q *quantisation) print(out io.Writer, o quantizeOptions, outcome *quantize.Outcome, refused bool) error {
	if o.json {
		j := json.NewEncoder(out)
		j.SetIndent("", " ")
		return j.Encode(q)
	}
	p := &printer{out: out}
	p.line("8 bits for %s, ranges by %s; in float32 stay %s", q.Target, q.Chosen.Ranges, strings.Join(q.Chosen.Float, ", "))
	p.line("restored pictures differ from float32's by %.2g (root mean square, of 1)", math.Sqrt(q.Chosen.Error))
	p.line("scores: correlation %.4f with float32's, mean change %.2f%% of the threshold", q.Loss.Correlation, 100*q.Loss.MeanChange)
	if q.Int8 != nil {
		p.line("on %s   float32   int8", o.data)
		p.line("image AUROC   %s   %s", figure(q.Float32.ImageAUROC, "one kind only"), figure(q.Int8.ImageAUROC, "one kind only"))
		p.line("AUPRO (30%%)   %s   %s", figure(q.Float32.AUPRO30, "no masks"), figure(q.Int8.AUPRO30, "no masks"))
	}
	if p.err != nil || refused {
		return p.err
	}
	return printCalibrated(out, o.out, outcome.Outcome, "take it out and quantise again")
}

// stageProgress shows one progress line after the other.
type stageProgress struct {
	stage string
	show  func(done, total int)
	stop  func()
}

func (s *stageProgress) tell(stage string, done, total int) {
	if stage != s.stage {
		s.end()
		s.stage = stage
		s.show, s.stop = newProgress(stage)
	}
	s.show(done, total)
}

func (s *stageProgress) end() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}
