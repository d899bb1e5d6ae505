package quantize

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gocv.io/x/gocv"

	"faird/infer"
	"faird/inspect"
	"faird/model"
	graph "faird/model/quantize"
	"faird/train/calibrate"
)

// leftOut is the share of an activation's values that the percentile clips.
const leftOut = 1e-4

// sample is a picture with what float32 makes of it.
type sample struct {
	picture  calibrate.Picture
	restored []float32
	score    float64
}

// observe brings the channels to one size, measures the range of every
// activation, and keeps what float32 restores on other pictures.
func (r *run) observe(ctx context.Context) error {
	measured, tried := r.split()
	channels, err := r.watch(ctx, measured, "measuring channels")
	if err != nil {
		return err
	}
	if _, err := r.network.Equalise(channels.largest); err != nil {
		return fmt.Errorf("the network cannot be quantised: %w", err)
	}
	w, err := r.watch(ctx, measured, "measuring ranges")
	if err != nil {
		return err
	}
	r.ranges, r.means = w.ranges(), w.mean()
	return r.judgeAll(ctx, r.file, tried, "restoring in float32", func(p calibrate.Picture, i *inspect.Inspector, score float64) error {
		r.tried = append(r.tried, sample{p, slices.Clone(i.Restored()), score})
		return nil
	})
}

// watch runs the network as it is now on pictures.
func (r *run) watch(ctx context.Context, pictures []calibrate.Picture, stage string) (_ *watcher, err error) {
	onnx, tensors, err := r.network.Probe(r.file.Height, r.file.Width)
	if err != nil {
		return nil, err
	}
	o := r.options.Infer
	probe, err := infer.OpenGraph(onnx, infer.GraphOptions{Library: o.Library, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, probe.Close()) }()
	w := &watcher{probe: probe, histograms: map[string]*graph.Histogram{r.network.Input(): {}}, largest: map[string][]float64{}}
	defer w.close()
	if err := w.open(r.file, tensors); err != nil {
		return nil, err
	}
	return w, r.judgeAll(ctx, r.file, pictures, stage, func(_ calibrate.Picture, i *inspect.Inspector, _ float64) error {
		return w.take(ctx, i.HighPass())
	})
}

// split takes pictures from all over the folder: some to measure on, others to
// try on as far as there are others.
func (r *run) split() (measured, tried []calibrate.Picture) {
	n := min(Measured+Tried, len(r.good))
	every := max(n/Tried, 2)
	for i := range n {
		p := r.good[i*len(r.good)/n]
		if i%every == every-1 && len(tried) < Tried {
			tried = append(tried, p)
		} else {
			measured = append(measured, p)
		}
	}
	return measured, tried
}

// judgeAll judges pictures with a model; broken ones are left out.
func (r *run) judgeAll(ctx context.Context, file *model.File, pictures []calibrate.Picture, stage string,
	each func(calibrate.Picture, *inspect.Inspector, float64) error,
) (err error) {
	m, err := inspect.Open(file, r.options.Infer, r.options.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	inspector, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inspector.Close()) }()
	var result inspect.Result
	for n, p := range pictures {
		pixels, err := p.Read()
		if errors.Is(err, inspect.ErrPicture) {
			continue
		}
		if err == nil {
			err = judge(ctx, inspector, file, pixels, &result)
		}
		if err == nil {
			err = each(p, inspector, result.Score)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		r.progress(stage, n+1, len(pictures))
	}
	return nil
}

func judge(ctx context.Context, i *inspect.Inspector, file *model.File, pixels []byte, result *inspect.Result) (err error) {
	picture, err := gocv.NewMatFromBytes(file.Height, file.Width, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	return i.Inspect(ctx, picture, nil, result)
}

// watcher runs the probe and counts what it sees.
type watcher struct {
	probe      *infer.Graph
	input      *infer.Tensor
	outputs    []*infer.Tensor
	tensors    []graph.Tensor // what the outputs are
	histograms map[string]*graph.Histogram
	largest    map[string][]float64 // of each channel, its mean over the pictures
	sums       map[string][]float64 // of the channels' means
	seen       int                  // pictures
}

func (w *watcher) open(file *model.File, tensors []graph.Tensor) (err error) {
	w.input, err = infer.NewTensor(1, int64(file.Channels), int64(file.Height), int64(file.Width))
	w.tensors, w.sums = tensors, map[string][]float64{}
	for _, t := range tensors {
		if err != nil {
			return err
		}
		var out *infer.Tensor
		if out, err = infer.NewTensor(t.Shape...); err == nil {
			w.outputs = append(w.outputs, out)
		}
		if t.Means {
			w.sums[t.Name] = make([]float64, t.Shape[0])
		} else {
			w.histograms[t.Name] = &graph.Histogram{}
			w.largest[t.Name] = make([]float64, t.Shape[1])
		}
	}
	return err
}

func (w *watcher) take(ctx context.Context, highPass []float32) error {
	copy(w.input.Data(), highPass)
	w.histograms[w.probe.Inputs()[0]].Add(highPass)
	if err := w.probe.Run(ctx, []*infer.Tensor{w.input}, w.outputs); err != nil {
		return err
	}
	w.seen++
	for i, out := range w.outputs {
		name := w.tensors[i].Name
		if !w.tensors[i].Means {
			w.histograms[name].Add(out.Data())
			w.peaks(name, out.Data())
			continue
		}
		for c, v := range out.Data() {
			w.sums[name][c] += float64(v)
		}
	}
	return nil
}

// peaks adds the largest value of each channel of a picture.
func (w *watcher) peaks(name string, data []float32) {
	channels := w.largest[name]
	per := len(data) / len(channels)
	for c := range channels {
		channels[c] += float64(slices.Max(data[c*per : (c+1)*per]))
	}
}

func (w *watcher) mean() map[string][]float64 {
	for _, sum := range w.sums {
		for c := range sum {
			sum[c] /= float64(w.seen)
		}
	}
	return w.sums
}

func (w *watcher) ranges() map[string]map[string]graph.Range {
	all := map[string]map[string]graph.Range{Percentile: {}, MSE: {}, Largest: {}}
	for name, h := range w.histograms {
		all[Percentile][name] = h.Percentile(leftOut)
		all[MSE][name] = h.LeastError()
		all[Largest][name] = h.Percentile(0)
	}
	return all
}

func (w *watcher) close() {
	for _, t := range append(w.outputs, w.input) {
		if t != nil {
			t.Close()
		}
	}
}
