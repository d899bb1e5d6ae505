package validity

import (
	"math"

	"faird/model"
)

// Learn is the look of a model's good pictures and of their scores, one for
// each. Pictures that no model would take, black or saturated all over, are not
// learnt from; nil where none is left.
func Learn(good []Stats, scores []float64) *model.Look {
	var look gather
	var logs tally
	for i := range good {
		if s := &good[i]; s.Dark < absoluteDark && s.Saturated < absoluteSaturated {
			look.add(s)
			if scores[i] > 0 {
				logs.add(math.Log(scores[i]))
			}
		}
	}
	if look.brightness.n == 0 {
		return nil
	}
	l := look.look()
	l.LogScore = logs.spread()
	return l
}

// gather holds what is learnt while it is.
type gather struct {
	kept                                           []*Stats
	brightness, dark, saturated, sharpness, aspect tally
}

func (g *gather) add(s *Stats) {
	g.kept = append(g.kept, s)
	g.brightness.add(s.Brightness)
	g.dark.add(s.Dark)
	g.saturated.add(s.Saturated)
	g.sharpness.add(s.Sharpness)
	if s.Aspect > 0 {
		g.aspect.add(s.Aspect)
	}
}

func (g *gather) look() *model.Look {
	l := &model.Look{
		Brightness: g.brightness.spread(), Dark: g.dark.spread(), Saturated: g.saturated.spread(),
		Sharpness: g.sharpness.spread(), Aspect: g.aspect.spread(),
	}
	l.RedBlue, l.Colour = g.colour(false)
	if mean, spread := g.colour(true); spread.Min > l.Colour.Min {
		l.RedBlue, l.Colour, l.Neutral = mean, spread, true
	}
	return l
}

// colour is the mean grid, and how far each picture agrees with it.
func (g *gather) colour(neutral bool) ([]float64, model.Spread) {
	mean := make([]float64, grid*grid)
	for _, s := range g.kept {
		for i, v := range s.cells(neutral) {
			mean[i] += v / float64(len(g.kept))
		}
	}
	var t tally
	for _, s := range g.kept {
		t.add(agreement(s.cells(neutral), mean))
	}
	return mean, t.spread()
}

// tally is mean and variance in one pass (Welford 1962), with the extremes.
type tally struct {
	n         int
	mean, m2  float64
	low, high float64
}

func (t *tally) add(v float64) {
	if t.n == 0 {
		t.low, t.high = v, v
	}
	t.n++
	d := v - t.mean
	t.mean += d / float64(t.n)
	t.m2 += d * (v - t.mean)
	t.low, t.high = min(t.low, v), max(t.high, v)
}

func (t *tally) spread() model.Spread {
	s := model.Spread{Mean: min(max(t.mean, t.low), t.high), Min: t.low, Max: t.high}
	if t.n > 1 {
		s.Std = math.Sqrt(t.m2 / float64(t.n-1))
	}
	return s
}
