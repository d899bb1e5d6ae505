package train

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"faird/camera/imagefolder"
	"faird/train/calibrate"
	"faird/train/examine"
)

// Examined is what was found in the good pictures before anything was learnt from
// them.
type Examined struct {
	Pictures int      // to learn from and to calibrate on
	Parts    int      // that they show: near-duplicates count once
	Words    []string // a line for each thing worth saying; none where nothing is
}

// examine finds out which parts the pictures show and what is odd about them.
// What it returns is without outliers, where the options ask for that.
func (p *pictures) examine(o Options, skipped *imagefolder.Skipped) (_ *pictures, _ *Examined, err error) {
	set := examine.New(o.Width, o.Height)
	defer func() { err = errors.Join(err, set.Close()) }()
	set.Distinct = o.Distinct
	for i, pixels := range p.pool {
		if err := set.Add(p.names[i], pixels, p.sizes[i]); err != nil {
			return nil, nil, err
		}
	}
	r := set.Report()
	e := &Examined{Words: r.Words}
	if line := skipped.Of(o.Good); line != "" {
		e.Words = slices.Insert(e.Words, 0, line)
	}
	p.parts = r.Part
	if o.DropOutliers && len(r.Outliers) > 0 {
		p = p.without(r.Outliers)
		e.Words = append(e.Words, fmt.Sprintf("left out: %d unlike the others", len(r.Outliers)))
	}
	e.Pictures, e.Parts = len(p.pool), len(p.byPart())
	if e.Parts < e.Pictures && e.Parts < fewestToTrain+calibrate.Fewest {
		return nil, nil, fmt.Errorf("%d in %s show only %d different part(s) (near-duplicates count once): at least %d are needed, thirty are a good start; if each picture does show another part, say so with --distinct",
			e.Pictures, o.Good, e.Parts, fewestToTrain+calibrate.Fewest)
	}
	return p, e, enough(e.Pictures, o.Good)
}

// byPart is the indices of the pictures of each part, in the order of the parts'
// first pictures.
func (p *pictures) byPart() [][]int {
	var groups [][]int
	at := map[int]int{}
	for i := range p.pool {
		part := i
		if p.parts != nil {
			part = p.parts[i]
		}
		k, seen := at[part]
		if !seen {
			k = len(groups)
			at[part], groups = k, append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups
}

func (p *pictures) without(outliers []examine.Outlier) *pictures {
	var kept []int
	for i := range p.pool {
		if _, out := slices.BinarySearchFunc(outliers, i, func(o examine.Outlier, i int) int { return cmp.Compare(o.Index, i) }); !out {
			kept = append(kept, i)
		}
	}
	s := p.subset(kept)
	s.broken = p.broken
	return s
}
