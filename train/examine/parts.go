package examine

import (
	"cmp"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// When two images show one part. The bounds were chosen on the simulated line
// (demo://): copies that were encoded again as JPEG (quality 50), made 10%
// brighter, moved by a pixel, or given a sensor's noise of 10 levels stay below
// them, and parts that differ stay above. Parts that differ by less are taken for
// one: nothing tells them from copies, and a rate that too few parts prove is the
// lesser evil.
const (
	mostDetail    = 0.06 // share of the fine detail that differs
	mostStructure = 1    // levels
	mostHue       = 3    // levels, of the 8x8 cells' colours
	mostCoarse    = 8    // levels, of the 8x8 cells' grey: more is not compared closely
)

// nearest is how many candidates an image has: those whose cells are most alike.
const nearest = 16

// groups gives the part of each view: equal numbers for near-duplicates, numbered
// from 0 in the order of the views. Near-duplicates of near-duplicates are
// near-duplicates too.
func groups(views []*view, w, h int) []int {
	s := &sorter{views: views, w: w, h: h, parent: make([]int, len(views))}
	for i := range s.parent {
		s.parent[i] = i
	}
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
	parent []int // a forest: the root stands for the part
}

func (s *sorter) root(i int) int {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
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
		most := float32(mostCoarse * mostCoarse)
		for j := range s.views {
			d := s.views[i].coarse.distance2(&s.views[j].coarse, most)
			if j == i || d > most {
				continue
			}
			at, _ := slices.BinarySearchFunc(near, d, func(o other, d float32) int { return cmp.Compare(o.d, d) })
			near = slices.Insert(near, at, other{j, d})
			if len(near) > nearest {
				near = near[:nearest]
				most = near[nearest-1].d
			}
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
	if a.coarse.hue2(&b.coarse) > mostHue*mostHue || a.coarse.distance2(&b.coarse, mostCoarse*mostCoarse) > mostCoarse*mostCoarse {
		return false
	}
	d := compare(a.fine, b.fine, s.w, s.h, 2*mostDetail)
	return d.detail <= mostDetail && d.structure <= mostStructure && max(d.gain, -d.gain) <= mostGain
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
