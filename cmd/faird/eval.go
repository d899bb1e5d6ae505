package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/config"
	"faird/eval"
	"faird/eval/report"
	"faird/inspect"
)

type evalOptions struct {
	model, data, report, provider, library string
	threshold                              float64
	maxPixels                              pixelLimit
	json                                   bool
}

func evalCommand() *cobra.Command {
	var o evalOptions
	c := &cobra.Command{
		Use:   "eval --model m.onnx --data DIR",
		Short: "Measures how well a model judges a labelled folder of pictures",
		Long: `Judges every picture of a labelled folder as the daemon would: image AUROC, and
with truth masks pixel AUROC and AUPRO; with a threshold the share of good parts
rejected and of defective parts let through, each with its exact 95% interval.

The folder has the shape of MVTec AD (test/good, test/<kind>, ground_truth/<kind>),
of VisA (Data/Images/Normal, Data/Images/Anomaly), or is a folder good beside one
folder for each kind of defect.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			override, err := o.check(c.Flags().Changed("threshold"))
			if err != nil {
				return usageError{err}
			}
			return runEval(c.Context(), c.OutOrStdout(), o, override)
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", "", "model file")
	f.StringVar(&o.data, "data", "", "folder of labelled pictures")
	f.StringVar(&o.report, "report", "", "folder to write the acceptance report to, one HTML page")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.Float64Var(&o.threshold, "threshold", 0, "threshold, in place of the model's own")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
	return c
}

// check returns the threshold that was given, nil where none was.
func (o *evalOptions) check(given bool) (*float64, error) {
	switch {
	case o.model == "":
		return nil, fmt.Errorf("--model is missing: name the model file (or %q for the built-in one)", config.DemoModel)
	case o.data == "":
		return nil, errors.New("--data is missing: name the folder of labelled pictures")
	case !given:
		return nil, nil
	case !(o.threshold > 0) || math.IsInf(o.threshold, 0):
		return nil, fmt.Errorf("--threshold is %v: must be a number above 0", o.threshold)
	}
	return &o.threshold, nil
}

func runEval(ctx context.Context, out io.Writer, o evalOptions, override *float64) error {
	set, err := eval.Find(o.data)
	if err != nil {
		return err
	}
	m, err := loadModel(ctx, o.model, o.provider, o.library)
	if err != nil {
		return err
	}
	defer m.Close()
	options := eval.Options{Threshold: override, Views: o.report != "", MaxPixels: int(o.maxPixels)}
	if limits := modelLimits(m); override == nil && limits != nil {
		options.Threshold, options.Review = &limits.Threshold, limits.Review
	}
	tell, end := newProgress("judging pictures")
	e, err := eval.Run(ctx, m, set, options, tell)
	end()
	if err != nil {
		return err
	}
	if line := set.Skipped.Of(o.data); line != "" {
		warnEach([]string{line})
	}
	warnOf(e)
	page := ""
	if o.report != "" {
		if page, err = writeReport(o, m, e); err != nil {
			return err
		}
	}
	if o.json {
		j := json.NewEncoder(out)
		j.SetIndent("", " ")
		return j.Encode(e.Figures)
	}
	return printEval(out, o, e, page)
}

// warnOf says what was left out, one line each.
func warnOf(e *eval.Evaluation) {
	log := consoleLog(zerolog.WarnLevel)
	for _, err := range e.Broken {
		log.Warn().Err(err).Msg("picture left out")
	}
	if e.Unmasked > 0 {
		log.Warn().Int("pictures", e.Unmasked).Msg("defective pictures without a mask are left out of the pixel figures")
	}
}

func writeReport(o evalOptions, m *inspect.Model, e *eval.Evaluation) (string, error) {
	data, err := filepath.Abs(o.data)
	if err != nil {
		return "", err
	}
	return report.Write(o.report, report.About{
		Data: filepath.Base(data), Model: filepath.Base(o.model), File: m.File(),
		Provider: m.Provider(), Version: version, Made: time.Now(),
	}, e)
}

func printEval(out io.Writer, o evalOptions, e *eval.Evaluation, page string) error {
	p := &printer{out: out}
	p.line("%s on %s: %d pictures, %d good and %d defective", filepath.Base(o.model), o.data, e.Images, e.Good, e.Defective)
	if n := len(e.Broken); n > 0 {
		p.line("%d more could not be read and count nowhere", n)
	}
	p.line("image AUROC   %s", figure(e.ImageAUROC, "needs good and defective pictures"))
	p.line("pixel AUROC   %s", figure(e.PixelAUROC, "needs truth masks"))
	p.line("AUPRO (30%%)   %s", figure(e.AUPRO30, "needs truth masks"))
	if e.Threshold == nil {
		p.line("no threshold: calibrate the model (faird calibrate) or give --threshold to see false rejects and slip-through")
	} else {
		p.line("threshold     %.4f", *e.Threshold)
		p.line("false reject  %s", rate(e.FalseReject, "no good pictures"))
		p.line("slip-through  %s", rate(e.SlipThrough, "no defective pictures"))
	}
	if page != "" {
		p.line("report        %s", page)
	}
	return p.err
}

func figure(v *float64, why string) string {
	if v == nil {
		return "unknown: " + why
	}
	return fmt.Sprintf("%.4f", *v)
}

func rate(r *eval.Rate, why string) string {
	if r == nil {
		return "unknown: " + why
	}
	return r.Words()
}

// printer prints lines and keeps the first error.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", values...)
	}
}
