package inspect

import (
	"math"

	"faird/fair"
	"faird/infer"
	"faird/model"
)

// maker makes maps of pictures and their restorations: on the CPU, or by reading
// what a fused run has made already.
type maker struct {
	runner *infer.Runner
	scorer *fair.Scorer // nil: fused
}

// newMaker makes one for pictures of the model's size, n at a time. With a fused
// runner nothing is ignored before ignore is called.
func newMaker(m *Model, n int) (k maker, err error) {
	if k.runner, err = m.session.NewRunner(n); err != nil {
		return k, err
	}
	if k.runner.Fused() {
		k.ignore(nil)
		return k, nil
	}
	k.scorer, err = fair.NewScorer(m.file.Height, m.file.Width, m.file.Scoring)
	return k, err
}

// ignore has a fused run set the map to zero where mask is not.
func (k *maker) ignore(mask []byte) {
	if !k.runner.Fused() {
		return
	}
	for i := range k.runner.Keep() {
		k.runner.Keep()[i] = 1
		if mask != nil && mask[i%len(mask)] != 0 {
			k.runner.Keep()[i] = 0
		}
	}
}

// planes are where the pictures go, [n,3,h,w], and input, nil where the run
// filters them itself, where their high-pass does.
func (k *maker) buffers(f *model.File) (planes, input []float32) {
	if k.runner.Fused() {
		return k.runner.Input(), nil
	}
	return make([]float32, k.runner.Batch()*3*f.Height*f.Width), k.runner.Input()
}

// score is that of the only picture; not a number where a value is none.
func (k *maker) score(planes []float32, mask []byte) float64 {
	if k.scorer != nil {
		return k.scorer.Score(planes, k.runner.Output(), mask)
	}
	most := math.Inf(-1)
	for i, v := range k.runner.Map() {
		if v != v || math.IsInf(float64(v), 0) {
			return math.NaN()
		}
		if mask == nil || mask[i] == 0 {
			most = max(most, float64(v))
		}
	}
	return most
}

// compare makes the maps of eq. 8 and 9 of one picture of the batch; false where
// a value is no finite number.
func (k *maker) compare(planes []float32, slot int) (gradient, colour []float32, finite bool) {
	n := k.runner.Batch()
	if k.scorer != nil {
		finite = k.scorer.Compare(share(planes, slot, n), share(k.runner.Output(), slot, n))
		return k.scorer.Gradient(), k.scorer.Colour(), finite
	}
	gradient, colour = share(k.runner.Gradient(), slot, n), share(k.runner.Colour(), slot, n)
	for i := range gradient {
		if sum := float64(gradient[i]) + float64(colour[i]); math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil, nil, false
		}
	}
	return gradient, colour, true
}

// views are the maps of the only picture.
func (k *maker) views(s *mapSet) {
	s.restored = k.runner.Output()
	if k.scorer != nil {
		s.smoothed, s.gradient, s.colour, s.input = k.scorer.Map(), k.scorer.Gradient(), k.scorer.Colour(), k.runner.Input()
		return
	}
	s.smoothed, s.gradient, s.colour = k.runner.Map(), k.runner.Gradient(), k.runner.Colour()
}

func (k *maker) close() error {
	if k.scorer != nil {
		k.scorer.Close()
	}
	if k.runner != nil {
		return k.runner.Close()
	}
	return nil
}
