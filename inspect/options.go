package inspect

import (
	"fmt"
	"image"
	"time"

	"faird/config"
	"faird/inspect/geometry"
	"faird/inspect/validity"
)

// Options say which part of a camera's picture is judged, and how it is held.
type Options struct {
	ROI        *config.Rect  // camera pixels; nil is the whole picture
	IgnoreMask string        // picture file as large as the region of interest or the whole picture; non-zero is ignored
	Rotate     float64       // degrees clockwise, about the region's middle
	Flip       string        // after the rotation; "" is none
	Tiles      *config.Tiles // nil: the region is judged as one picture
	Align      *config.Align // nil: the part is in its place
	MaxPixels  int           // of the ignore mask and the reference for alignment; 0: the default

	// Limits that a picture must keep to be worth a score; nil: none is checked.
	Limits *validity.Limits
	Frozen time.Duration // how long one picture may come again and again; 0: for ever
}

// OptionsFor is what the config says of a region; the alignment and the limits
// are those of its station s.
func OptionsFor(r config.Region, s *config.Station) Options {
	return Options{
		ROI: r.ROI, IgnoreMask: r.IgnoreMask, Rotate: r.Rotate, Flip: r.Flip, Tiles: r.Tiles,
		Align: s.Align, MaxPixels: s.Camera.MaxPixels,
	}
}

// view is the part of the picture that is judged, its Region empty for all of
// it.
func (o *Options) view() (geometry.View, error) {
	v := geometry.View{Degrees: o.Rotate, Flip: geometry.Flip(o.Flip)}
	if o.ROI == nil {
		v.Region = image.Rect(0, 0, 1, 1)
		if _, quarters := v.Quarters(); !quarters || o.Align != nil {
			return v, fmt.Errorf("a picture that is turned by %g degrees or aligned needs a region of interest that stays within it", o.Rotate)
		}
		err := v.Validate()
		v.Region = image.Rectangle{}
		return v, err
	}
	r := o.ROI
	if r.X < 0 || r.Y < 0 || r.W < 1 || r.H < 1 {
		return v, fmt.Errorf("region of interest x %d, y %d, w %d, h %d: needs a corner in the picture and a size", r.X, r.Y, r.W, r.H)
	}
	v.Region = rectangle(*r)
	if seen := v.Seen(geometry.Point{}); seen.Min.X < 0 || seen.Min.Y < 0 {
		return v, fmt.Errorf("region of interest, turned by %g degrees: begins at %d, %d, outside the picture", o.Rotate, seen.Min.X, seen.Min.Y)
	}
	return v, v.Validate()
}

func rectangle(r config.Rect) image.Rectangle { return image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H) }
