// Package quantize brings a float32 model to 8 bits: it measures ranges on good
// pictures, tries the ways to choose them, keeps layers in float32 where 8 bits
// hurt, calibrates again, and measures what was lost. It never sees a defect but
// the golden samples' synthetic ones.
package quantize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"faird/model"
	graph "faird/model/quantize"
	"faird/train/calibrate"
)

// Ways to choose the range of an activation.
const (
	Percentile = "percentile" // leaves out the largest 0.01%
	MSE        = "mse"        // least mean square error of rounding and clipping
	Largest    = "largest"    // leaves out nothing
	Best       = "best"       // whichever restores closer to float32
)

var ways = []string{Percentile, MSE, Largest}

// Defaults of Options.
const (
	Measured = 48 // pictures that the ranges are measured on
	Tried    = 16 // pictures that the ways are compared on
)

// Options of a quantisation.
type Options struct {
	Target string   // graph.CPU or graph.TensorRT
	Ranges string   // Percentile, MSE, Largest or Best
	Float  []string // layers kept in float32; nil: the first, the last, and those that hurt
	calibrate.Options
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	switch {
	case o.Target != graph.CPU && o.Target != graph.TensorRT:
		return fmt.Errorf("target %q: choose %s or %s", o.Target, graph.CPU, graph.TensorRT)
	case !slices.Contains(append(ways, Best), o.Ranges):
		return fmt.Errorf("ranges %q: choose %s or %s", o.Ranges, strings.Join(ways, ", "), Best)
	}
	return o.Options.Check()
}

// Trial is one way that was tried.
type Trial struct {
	Ranges string   `json:"ranges"`
	Float  []string `json:"float"`  // layers left in float32
	Error  float64  `json:"error"`  // mean square difference of the restored pictures from float32's, 0..1 squared
	Change float64  `json:"change"` // mean |difference| of the scores from float32's, as a share of their mean
}

// Outcome is a finished quantisation.
type Outcome struct {
	*calibrate.Outcome         // with the 8-bit model, calibrated again; not written
	Chosen             Trial   // how it was made
	Trials             []Trial // all that was tried
	Loss               Loss
}

// Run quantises a float32 model with good pictures that it was not trained on.
func Run(ctx context.Context, file *model.File, good []calibrate.Picture, o Options, progress func(stage string, done, total int)) (*Outcome, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if file.Quantization != nil {
		return nil, errors.New("the model is quantised already: start from the float32 one")
	}
	if len(good) < calibrate.Fewest {
		return nil, fmt.Errorf("%d good pictures are too few: at least %d", len(good), calibrate.Fewest)
	}
	if progress == nil {
		progress = func(string, int, int) {}
	}
	network, err := graph.Parse(file.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the network cannot be quantised: %w", err)
	}
	r := &run{options: o, file: file, network: network, good: good, progress: progress}
	return r.all(ctx)
}

// run is a quantisation under way.
type run struct {
	options  Options
	file     *model.File
	network  *graph.Network
	good     []calibrate.Picture
	progress func(stage string, done, total int)
	ranges   map[string]map[string]graph.Range // by way, by activation
	means    map[string][]float64              // by activation, of each channel
	tried    []sample                          // what the ways are compared on
	trials   []Trial
}

func (r *run) all(ctx context.Context) (*Outcome, error) {
	if err := r.observe(ctx); err != nil {
		return nil, fmt.Errorf("ranges: %w", err)
	}
	best, err := r.choose(ctx)
	if err != nil {
		return nil, err
	}
	file, err := r.write(best)
	if err != nil {
		return nil, err
	}
	o := r.options.Options
	o.Force = true // its file has no threshold yet that pictures could be held against
	outcome, err := calibrate.Run(ctx, file, r.good, o, func(done, total int) { r.progress("calibrating", done, total) })
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	loss, err := r.loss(ctx, outcome)
	if err != nil {
		return nil, err
	}
	return &Outcome{Outcome: outcome, Chosen: best, Trials: r.trials, Loss: loss}, nil
}

// write makes the model of a trial: what was measured in float32 is not in it.
func (r *run) write(t Trial) (*model.File, error) {
	onnx, err := r.network.Write(graph.Options{Target: r.options.Target, Ranges: r.ranges[t.Ranges], Means: r.means, Float: t.Float})
	if err != nil {
		return nil, err
	}
	spec := r.file.Spec
	spec.Calibration, spec.Golden = nil, nil
	spec.Quantization = &model.Quantization{Target: r.options.Target, Scheme: graph.Scheme(r.options.Target) + ", ranges by " + t.Ranges}
	return model.New(onnx, spec)
}
