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
	runner   *infer.Runner
	scorer   *fair.Scorer   // nil: fused
	smoother *fair.Smoother // of a fused run's maps, where it does not smooth them itself
	k        float64
}

// newMaker makes one for pictures of the model's size, n at a time. With a fused
// runner nothing is ignored before ignore is called.
func newMaker(m *Model, n int) (k maker, err error) {
	if k.runner, err = m.session.NewRunner(n); err != nil {
		return k, err
	}
	k.k = m.file.Scoring.K
	if !k.runner.Fused() {
		k.scorer, err = fair.NewScorer(m.file.Height, m.file.Width, m.file.Scoring)
		return k, err
	}
	k.ignore(nil)
	if m.file.Normal != nil {
		k.smoother, err = fair.NewSmoother(m.file.Height, m.file.Width, m.file.Scoring)
	}
	return k, err
}

// normalise has the only picture's map measured against good parts; ignore is the
// mask that score will be given.
func (k *maker) normalise(f *fair.Field, ignore []byte) {
	if k.scorer != nil {
		k.scorer.Normalise(f, ignore)
		return
	}
	k.smoother.Normalise(f, ignore)
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
	switch {
	case k.scorer != nil:
		return k.scorer.Score(planes, k.runner.Output(), mask)
	case k.smoother != nil:
		return k.smoother.Smooth(k.fused(), mask)
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

// fused is the maps of a fused run whose score is normalised, of the whole batch.
func (k *maker) fused() fair.Maps {
	return fair.Maps{Gradient: k.runner.Gradient(), Lightness: k.runner.Lightness(), Colour: k.runner.Colour()}
}

// compare makes the maps of one picture of the batch, without the lightness where a
// fused run has none; false where a value is no finite number.
func (k *maker) compare(planes []float32, slot int) (m fair.Maps, finite bool) {
	n := k.runner.Batch()
	if k.scorer != nil {
		finite = k.scorer.Compare(share(planes, slot, n), share(k.runner.Output(), slot, n))
		return k.scorer.Maps(), finite
	}
	m = fair.Maps{Gradient: share(k.runner.Gradient(), slot, n), Colour: share(k.runner.Colour(), slot, n)}
	if k.smoother != nil {
		m.Lightness = share(k.runner.Lightness(), slot, n)
	}
	for i := range m.Gradient {
		sum := float64(m.Gradient[i]) + float64(m.Colour[i])
		if m.Lightness != nil {
			sum += float64(m.Lightness[i])
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return fair.Maps{}, false
		}
	}
	return m, true
}

// views are the maps of the only picture.
func (k *maker) views(s *mapSet) {
	s.restored = k.runner.Output()
	switch {
	case k.scorer != nil:
		s.smoothed, s.raw, s.share, s.input = k.scorer.Map(), k.scorer.Maps(), k.scorer.Share, k.runner.Input()
	case k.smoother != nil:
		s.smoothed, s.raw, s.share = k.smoother.Map(), k.fused(), k.smoother.Share
	default:
		s.smoothed, s.share = k.runner.Map(), k.shareOf
		s.raw = fair.Maps{Gradient: k.runner.Gradient(), Colour: k.runner.Colour()}
	}
}

// shareOf is Share of a fused run.
func (k *maker) shareOf(pixel int) (structure, colour float64) {
	return float64(k.runner.Gradient()[pixel]), k.k * float64(k.runner.Colour()[pixel])
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
