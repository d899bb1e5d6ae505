package fair_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"faird/fair"
)

func TestAUROC(t *testing.T) {
	for _, c := range []struct {
		good, bad []float64
		want      float64
	}{
		{[]float64{1, 2}, []float64{3, 4}, 1},
		{[]float64{3, 4}, []float64{1, 2}, 0},
		{[]float64{1, 1, 1}, []float64{1, 1}, 0.5},
		{[]float64{1, 2, 3}, []float64{2}, 0.5},
		{[]float64{0, 2, 2, 5}, []float64{2, 4}, (2.0 + 3) / 8},
		{[]float64{math.Inf(-1)}, []float64{math.Inf(1)}, 1},
	} {
		var labels []bool
		for i := range len(c.good) + len(c.bad) {
			labels = append(labels, i >= len(c.good))
		}
		got, err := fair.AUROC(slices.Concat(c.good, c.bad), labels)
		if err != nil || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v against %v: %v, want %v (%v)", c.good, c.bad, got, c.want, err)
		}
	}
}

func TestAUROCRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		scores []float64
		labels []bool
	}{
		"empty":    {nil, nil},
		"lengths":  {[]float64{1, 2}, []bool{true}},
		"good":     {[]float64{1, 2}, []bool{false, false}},
		"bad":      {[]float64{1, 2}, []bool{true, true}},
		"a number": {[]float64{1, math.NaN()}, []bool{true, false}},
	} {
		if _, err := fair.AUROC(c.scores, c.labels); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestComponents(t *testing.T) {
	mask := []byte("" +
		"..#..#.." +
		".#...##." +
		"#.#.#..." +
		"...#...#" +
		"##....#." +
		"##.#...#")
	for i := range mask {
		mask[i] -= '.'
	}
	want := []int32{
		0, 0, 1, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 0, 1, 1, 0,
		1, 0, 1, 0, 1, 0, 0, 0,
		0, 0, 0, 1, 0, 0, 0, 2,
		3, 3, 0, 0, 0, 0, 2, 0,
		3, 3, 0, 4, 0, 0, 0, 2,
	}
	for i := range mask {
		if mask[i] != 0 {
			mask[i] = byte(1 + i)
		}
	}
	var c fair.Components
	for range 2 {
		if n := c.Find(mask, 6, 8); n != 4 || !slices.Equal(c.Labels, want) {
			t.Errorf("%d parts: %v", n, c.Labels)
		}
		if n := c.Find(make([]byte, 6), 2, 3); n != 0 || len(c.Labels) != 6 {
			t.Errorf("empty mask: %d parts, %d labels", n, len(c.Labels))
		}
	}
}

// slowAUPRO goes through every threshold with loops over all pixels.
func slowAUPRO(maps [][]float32, masks [][]byte, h, w int, limit float64) float64 {
	var thresholds []float32
	for _, m := range maps {
		thresholds = append(thresholds, m...)
	}
	slices.Sort(thresholds)
	thresholds = slices.Compact(thresholds)
	slices.Reverse(thresholds)
	var fpr, pro []float64
	fpr, pro = append(fpr, 0), append(pro, 0)
	for _, threshold := range thresholds {
		var fp, good, sum, regions float64
		for n, m := range maps {
			var c fair.Components
			count := c.Find(masks[n], h, w)
			hit, size := make([]float64, count+1), make([]float64, count+1)
			for i, label := range c.Labels {
				size[label]++
				if m[i] >= threshold {
					hit[label]++
				}
			}
			fp, good = fp+hit[0], good+size[0]
			for label := 1; label <= count; label++ {
				sum, regions = sum+hit[label]/size[label], regions+1
			}
		}
		fpr, pro = append(fpr, fp/good), append(pro, sum/regions)
	}
	area := 0.0
	for i := 1; i < len(fpr); i++ {
		x0, x1, y0, y1 := fpr[i-1], fpr[i], pro[i-1], pro[i]
		if x0 >= limit || x1 == x0 {
			continue
		}
		if x1 > limit {
			y1, x1 = y0+(y1-y0)*(limit-x0)/(x1-x0), limit
		}
		area += (x1 - x0) * (y0 + y1) / 2
	}
	return area / limit
}

func TestAUPRO(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const h, w = 7, 9
	for range 20 {
		var maps [][]float32
		var masks [][]byte
		for range 3 {
			m, mask := make([]float32, h*w), make([]byte, h*w)
			for i := range m {
				if r.IntN(4) == 0 {
					mask[i] = 255
				}
				m[i] = float32(r.IntN(30)-5)/30 + float32(mask[i])/1000 // with ties and values below zero
			}
			maps, masks = append(maps, m), append(masks, mask)
		}
		for _, limit := range []float64{0.05, 0.3, 1} {
			want := slowAUPRO(maps, masks, h, w, limit)
			got, err := fair.AUPRO(maps, masks, h, w, limit)
			if err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("limit %v: %v, want %v (%v)", limit, got, want, err)
			}
		}
	}
}

func TestAUPROEnds(t *testing.T) {
	mask := []byte{0, 0, 1, 1}
	for _, c := range []struct {
		m    []float32
		want float64
	}{
		{[]float32{0, 0.1, 0.8, 0.9}, 1},
		{[]float32{0.8, 0.9, 0.1, 0}, 0},
		{[]float32{0.5, 0.5, 0.5, 0.5}, 0.15}, // one step from 0,0 to 1,1
	} {
		if got, err := fair.AUPRO([][]float32{c.m}, [][]byte{mask}, 2, 2, 0.3); err != nil || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v, want %v (%v)", c.m, got, c.want, err)
		}
	}
}

func TestAUPRORefuses(t *testing.T) {
	nan := float32(math.NaN())
	m, mask := []float32{1, 2, 3, 4}, []byte{0, 0, 1, 1}
	for name, c := range map[string]struct {
		maps  [][]float32
		masks [][]byte
		limit float64
	}{
		"counts":    {[][]float32{m}, nil, 0.3},
		"map size":  {[][]float32{m[:3]}, [][]byte{mask}, 0.3},
		"mask size": {[][]float32{m}, [][]byte{mask[:3]}, 0.3},
		"limit":     {[][]float32{m}, [][]byte{mask}, 0},
		"limit 2":   {[][]float32{m}, [][]byte{mask}, 2},
		"no defect": {[][]float32{m}, [][]byte{make([]byte, 4)}, 0.3},
		"no good":   {[][]float32{m}, [][]byte{{1, 1, 1, 1}}, 0.3},
		"nan":       {[][]float32{{1, nan, 3, 4}}, [][]byte{mask}, 0.3},
		"nothing":   {nil, nil, 0.3},
	} {
		if _, err := fair.AUPRO(c.maps, c.masks, 2, 2, c.limit); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
