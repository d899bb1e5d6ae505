package config

import (
	"fmt"
	"math"
)

// Region is one of several parts of a picture that are inspected apart, with
// one verdict for all. What it leaves out it does not take from the station,
// but for the model.
type Region struct {
	Name       string   `mapstructure:"name"`
	Model      string   `mapstructure:"model"`     // file, or DemoModel; "": the station's
	Threshold  *float64 `mapstructure:"threshold"` // nil: the model's
	Review     *float64 `mapstructure:"review"`    // nil: the model's, or none
	ROI        *Rect    `mapstructure:"roi"`
	IgnoreMask string   `mapstructure:"ignore_mask"`
	Rotate     float64  `mapstructure:"rotate"`
	Flip       string   `mapstructure:"flip"`
	Tiles      *Tiles   `mapstructure:"tiles"`
}

// Tiles is a grid of overlapping tiles, each inspected by itself.
type Tiles struct {
	W       int `mapstructure:"w"` // pixels of the inspected picture; 0: the model's
	H       int `mapstructure:"h"`
	Overlap int `mapstructure:"overlap"` // at least so many pixels; 0: a quarter of the tile's shorter side
}

// Align says how to find a part that lies off its place.
type Align struct {
	Reference string  `mapstructure:"reference"` // PNG of the whole camera picture with the part in its place
	Mark      Rect    `mapstructure:"mark"`      // what to look for, in the reference
	Search    int     `mapstructure:"search"`    // farthest shift, in camera pixels each way
	MinMatch  float64 `mapstructure:"min_match"` // least correlation, 0..1
}

// FlatMark is the standard deviation, in grey levels of 255, below which a
// mark shows too little to be found again.
const FlatMark = 4.0

const noFlip = "none"

// DefaultRegion is what a region is that names none of its keys but needs a
// name and a place.
func DefaultRegion() Region { return Region{Flip: noFlip} }

// DefaultAlign is what align is besides its reference and mark.
func DefaultAlign() Align { return Align{Search: 20, MinMatch: 0.6} }

// Whole is the station's one region, where it has no several.
func (s *Station) Whole() Region {
	return Region{
		Model: s.Model, Threshold: s.Threshold, Review: s.Review, ROI: s.ROI, IgnoreMask: s.IgnoreMask,
		Rotate: s.Rotate, Flip: s.Flip, Tiles: s.Tiles,
	}
}

// Several are the station's regions with the models in force; nil where the
// station has one region, Whole.
func (s *Station) Several() []Region {
	var several []Region
	for _, r := range s.Regions {
		if r.Model == "" {
			r.Model = s.Model
		}
		several = append(several, r)
	}
	return several
}

// geometry checks what is inspected and how it is held.
func (k *checker) geometry(key string, s *Station) {
	if len(s.Regions) == 0 {
		k.region(key, s.Whole())
		if s.Align != nil && s.ROI == nil {
			k.bad(key+".align", "needs roi", "name the part's place as roi, so that it can follow the part")
		}
	} else {
		k.regions(key, s)
	}
	if s.Align != nil {
		k.align(key+".align", s.Align)
	}
}

func (k *checker) regions(key string, s *Station) {
	for name, given := range map[string]bool{
		"roi": s.ROI != nil, "ignore_mask": s.IgnoreMask != "", "rotate": s.Rotate != 0, "flip": s.Flip != noFlip && s.Flip != "",
		"tiles": s.Tiles != nil, "threshold": s.Threshold != nil, "review": s.Review != nil,
	} {
		if given {
			k.bad(key+"."+name, "given beside regions", "move it to the regions it is for")
		}
	}
	first := map[string]bool{}
	for i, r := range s.Several() {
		at := k.item(key+".regions", i)
		switch {
		case r.Name == "":
			k.bad(at+".name", "missing", "give the region a name, for verdicts to say")
		case !k.topicName(at+".name", r.Name):
		case first[r.Name]:
			k.bad(at+".name", fmt.Sprintf("another region is called %q too", r.Name), "give each a name of its own")
		}
		first[r.Name] = true
		if r.ROI == nil {
			k.bad(at+".roi", "missing", "say which part of the picture the region is")
		}
		if r.Model == "" {
			k.bad(at+".model", "missing", "name a model here, or one for all the station's regions as its model")
		}
		k.limits(at, r.Threshold, r.Review)
		k.region(at, r)
	}
}

// region checks one region's place and hold; at is where its keys are.
func (k *checker) region(at string, r Region) {
	k.roi(at+".roi", r.ROI)
	if r.Flip != "" {
		k.oneOf(at+".flip", r.Flip, noFlip, "horizontal", "vertical", "both")
	}
	k.rotate(at+".rotate", r)
	if r.Tiles != nil {
		k.tiles(at+".tiles", r)
	}
}

func (k *checker) rotate(key string, r Region) {
	off := r.Rotate - 90*math.Round(r.Rotate/90) // beyond quarter turns
	switch {
	case math.Abs(r.Rotate) > 360:
		k.bad(key, fmt.Sprintf("%g is out of range", r.Rotate), "give degrees from -360 to 360, clockwise")
	case off != 0 && r.ROI == nil:
		k.bad(key, fmt.Sprintf("%g degrees need roi", r.Rotate), "name a roi that lies in the picture when it is turned, or turn by 90, 180 or 270")
	case off != 0 && r.ROI.W > 0 && r.ROI.H > 0:
		s, c := math.Sincos(math.Abs(off) * math.Pi / 180)
		w, h := float64(r.ROI.W), float64(r.ROI.H)
		left, top := float64(r.ROI.X)+w/2-(w*c+h*s)/2, float64(r.ROI.Y)+h/2-(w*s+h*c)/2
		if left < -1e-6 || top < -1e-6 {
			k.bad(key, fmt.Sprintf("turned by %g degrees, roi begins at %.1f,%.1f, outside the picture", r.Rotate, left, top), "move roi inwards, or make it smaller")
		}
	}
}

func (k *checker) tiles(key string, r Region) {
	t := *r.Tiles
	k.notNegative(key+".w", t.W)
	k.notNegative(key+".h", t.H)
	k.notNegative(key+".overlap", t.Overlap)
	for _, side := range []int{t.W, t.H} {
		if side > 0 && t.Overlap > side/2 {
			k.bad(key+".overlap", fmt.Sprintf("%d is more than half of a tile of %d", t.Overlap, side), "make it smaller, or the tiles larger")
		}
	}
	if r.ROI == nil {
		return
	}
	w, h := r.ROI.W, r.ROI.H
	if int(math.Round(r.Rotate/90))%2 != 0 {
		w, h = h, w
	}
	if t.W > w || t.H > h {
		k.bad(key, fmt.Sprintf("a tile of %dx%d is larger than roi, %dx%d as it is inspected", t.W, t.H, w, h), "make the tiles smaller, or leave them out")
	}
}

func (k *checker) align(key string, a *Align) {
	if a.Reference == "" {
		k.bad(key+".reference", "missing", "name a PNG of the whole camera picture, with the part in its place")
	}
	if a.Mark == (Rect{}) {
		k.bad(key+".mark", "missing", "say where in the reference something stands out, with a corner: x, y, w and h")
	}
	k.roi(key+".mark", &a.Mark)
	if a.Search < 1 {
		k.bad(key+".search", fmt.Sprintf("%d is out of range", a.Search), "give the farthest shift in camera pixels, such as 20")
	}
	if !(a.MinMatch > 0 && a.MinMatch < 1) {
		k.bad(key+".min_match", fmt.Sprintf("%g is out of range", a.MinMatch), "give a correlation above 0 and below 1, such as 0.6")
	}
}
