package fair

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// AUPRO is the area under the per-region overlap against the false-positive
// rate of the pixels, from 0 to the rate limit, divided by limit (sec. 4.2):
// exact at every threshold, linear between. maps and masks are [h,w] each,
// masks non-zero in the defects, whose regions are their 8-connected parts;
// every region weighs the same. It is an error where sizes differ, a map holds
// a value that is not a number, or there is no defect or no good pixel.
func AUPRO(maps [][]float32, masks [][]byte, h, w int, limit float64) (float64, error) {
	if len(maps) != len(masks) {
		return 0, fmt.Errorf("aupro: %d maps for %d masks", len(maps), len(masks))
	}
	if !(limit > 0 && limit <= 1) {
		return 0, fmt.Errorf("aupro: the limit is %v, must be more than 0 and at most 1", limit)
	}
	p, err := rankPixels(maps, masks, h*w, w)
	if err != nil {
		return 0, err
	}
	return p.area(limit) / limit, nil
}

// pixels are all pixels of a data set in the order of falling scores.
type pixels struct {
	order  []uint64  // inverted score above, number of its weight below
	weight []float64 // of each region, by number: 1 / its pixels; [0] stands for the good pixels
	good   int
}

func rankPixels(maps [][]float32, masks [][]byte, n, w int) (*pixels, error) {
	p := &pixels{order: make([]uint64, 0, n*len(maps)), weight: []float64{0}}
	var parts Components
	for i := range maps {
		if len(maps[i]) != n || len(masks[i]) != n || n == 0 {
			return nil, fmt.Errorf("aupro: picture %d: map of %d and mask of %d pixels, must be %d", i, len(maps[i]), len(masks[i]), n)
		}
		found := parts.Find(masks[i], n/w, w)
		if !p.add(maps[i], parts.Labels, found) {
			return nil, fmt.Errorf("aupro: the map of picture %d holds a value that is not a number", i)
		}
	}
	if len(p.weight) == 1 || p.good == 0 {
		return nil, errors.New("aupro: needs defective and good pixels, one kind is missing")
	}
	slices.Sort(p.order)
	return p, nil
}

// add takes the pixels of one map and the found regions of its mask.
func (p *pixels) add(scores []float32, labels []int32, found int) bool {
	first := len(p.weight) - 1
	size := make([]int, found+1)
	for i, score := range scores {
		if score != score {
			return false
		}
		region := 0
		if labels[i] != 0 {
			region = first + int(labels[i])
		}
		size[labels[i]]++
		p.order = append(p.order, uint64(^sortable(score))<<32|uint64(region))
	}
	p.good += size[0]
	for _, n := range size[1:] {
		p.weight = append(p.weight, 1/float64(n))
	}
	return true
}

// sortable maps floats to integers of the same order; both zeros are one.
func sortable(v float32) uint32 {
	u := math.Float32bits(v + 0)
	if u>>31 != 0 {
		return ^u
	}
	return u | 1<<31
}

// area integrates from the highest threshold down, one step for each distinct score.
func (p *pixels) area(limit float64) (area float64) {
	var fp int
	var overlap, fpr, pro float64 // overlap is pro times the number of regions
	regions := float64(len(p.weight) - 1)
	for i := 0; i < len(p.order); {
		score := p.order[i] >> 32
		for ; i < len(p.order) && p.order[i]>>32 == score; i++ {
			if region := uint32(p.order[i]); region == 0 {
				fp++
			} else {
				overlap += p.weight[region]
			}
		}
		nextFPR, nextPRO := float64(fp)/float64(p.good), overlap/regions
		if nextFPR >= limit {
			at := pro + (nextPRO-pro)*(limit-fpr)/(nextFPR-fpr)
			return area + (limit-fpr)*(pro+at)/2
		}
		area += (nextFPR - fpr) * (pro + nextPRO) / 2
		fpr, pro = nextFPR, nextPRO
	}
	return area
}
