package examine

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// When two images show one part. The bounds were chosen on the simulated line
// (demo://): copies that were encoded again as JPEG (quality 50), made 10%
// brighter, moved by a pixel, or given a sensor's noise of 10 levels stay below
// them, and parts that differ stay above.
const (
	mostDetail  = 0.06 // share of the fine detail that differs
	mostHue     = 3    // levels, of the 8x8 cells' colours
	mostCoarse  = 8    // levels, of the 8x8 cells' grey: more is not compared at all
	likeCopies  = 0.3  // structure in levels: what encoding leaves between copies
	mostOfParts = 0.25 // structure, as a share of that between typical images of the set
	mostLevels  = 1    // structure in levels, however much the set varies
)

const (
	nearest = 16  // candidates for each image: those whose cells are most alike
	drawn   = 400 // pairs of the set that say how much its images vary
)

// groups gives the part of each view: equal numbers for near-duplicates, numbered
// from 0 in the order of the views. Near-duplicates of near-duplicates are
// near-duplicates too.
func groups(views []*view, w, h int) []int {
	s := &sorter{views: views, w: w, h: h, parent: make([]int, len(views))}
	for i := range s.parent {
		s.parent[i] = i
	}
	s.bound = s.structureBound()
	candidates := s.candidates()
	for k := range nearest + 1 {
		s.round(candidates, k)
	}
	return s.numbers()
}

// sorter sorts views into parts.
type sorter struct {
	views  []*view
	w, h   int
	bound  float64 // of structure
	parent []int   // a forest: the root stands for the part
}

func (s *sorter) root(i int) int {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
}

// structureBound is how much structure may differ within a part: a share of what
// differs between the set's images, copies not counted.
func (s *sorter) structureBound() float64 {
	n := len(s.views)
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var between []float64
	for range min(drawn, n*(n-1)/2) {
		a, b := s.views[random.IntN(n)], s.views[random.IntN(n)]
		if d := compare(a.fine, b.fine, s.w, s.h); a != b && (d.structure > likeCopies || d.detail > mostDetail) {
			between = append(between, d.structure)
		}
	}
	if len(between) == 0 {
		return likeCopies
	}
	return min(max(mostOfParts*Median(between), likeCopies), mostLevels)
}

// candidates are for each view the next one, and those that are most alike, the
// closest first. At most n x 17 pairs are compared closely, of n x n.
func (s *sorter) candidates() [][]int {
	out := make([][]int, len(s.views))
	parallel(len(s.views), func(i int) {
		type other struct {
			index int
			d     float32
		}
		var near []other
		for j := range s.views {
			d := s.views[i].coarse.distance2(&s.views[j].coarse)
			if j == i || d > mostCoarse*mostCoarse || len(near) == nearest && d >= near[nearest-1].d {
				continue
			}
			at, _ := slices.BinarySearchFunc(near, d, func(o other, d float32) int { return cmp.Compare(o.d, d) })
			near = slices.Insert(near, at, other{j, d})
			near = near[:min(len(near), nearest)]
		}
		if i+1 < len(s.views) {
			out[i] = append(out[i], i+1)
		}
		for _, o := range near {
			out[i] = append(out[i], o.index)
		}
	})
	return out
}

// round compares each view with its candidate number k, unless they are known to
// show one part.
func (s *sorter) round(candidates [][]int, k int) {
	same := make([]bool, len(s.views))
	roots := make([]int, len(s.views))
	for i := range roots {
		roots[i] = s.root(i)
	}
	parallel(len(s.views), func(i int) {
		if k < len(candidates[i]) {
			j := candidates[i][k]
			same[i] = roots[i] != roots[j] && s.alike(s.views[i], s.views[j])
		}
	})
	for i, yes := range same {
		if yes {
			a, b := s.root(i), s.root(candidates[i][k])
			s.parent[max(a, b)] = min(a, b)
		}
	}
}

// alike says whether two images show one part.
func (s *sorter) alike(a, b *view) bool {
	if a.coarse.hue2(&b.coarse) > mostHue*mostHue || a.coarse.distance2(&b.coarse) > mostCoarse*mostCoarse {
		return false
	}
	d := compare(a.fine, b.fine, s.w, s.h)
	return d.detail <= mostDetail && d.structure <= s.bound && max(d.gain, -d.gain) <= mostGain
}

func (s *sorter) numbers() []int {
	out, number := make([]int, len(s.views)), map[int]int{}
	for i := range out {
		root := s.root(i)
		if _, known := number[root]; !known {
			number[root] = len(number)
		}
		out[i] = number[root]
	}
	return out
}

// parallel does n things on all cores.
func parallel(n int, do func(i int)) {
	var group errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		group.Go(func() error {
			for i := worker; i < n; i += workers {
				do(i)
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
}
