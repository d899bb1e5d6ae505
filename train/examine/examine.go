package examine

import (
	"errors"
	"image"
)

// Set is a set of images under examination. It keeps about 16 kB of each. Close
// it; it is for one goroutine.
type Set struct {
	// Distinct says that each image shows another part, however alike they are.
	Distinct bool

	viewer *viewer
	views  []*view
}

// New is an empty set of images of w x h pixels.
func New(w, h int) *Set { return &Set{viewer: newViewer(w, h)} }

// Add adds an image: 8-bit BGR pixels [h,w,3], and the size that it had before it
// was resized, zero where that is not known.
func (s *Set) Add(name string, pixels []byte, size image.Point) error {
	v, err := s.viewer.view(pixels)
	if err != nil {
		return errors.Join(errors.New("examining "+name), err)
	}
	v.name, v.size = name, size
	s.views = append(s.views, v)
	return nil
}

// Close frees the buffers.
func (s *Set) Close() error { return s.viewer.close() }

// Report is what was found.
type Report struct {
	Part     []int     // of each image, in the order they were added: equal for near-duplicates, numbered from 0
	Parts    int       // independent ones: near-duplicates count once
	Outliers []Outlier // images that are unlike the others, in the order they were added
	Words    []string  // what is to be said of the set, a line each; none where nothing is
}

// Outlier is an image that is unlike the others.
type Outlier struct {
	Index int    // of the image, as it was added
	Name  string // its
	Why   string
}

func (s *Set) parts() []int {
	if !s.Distinct {
		return groups(s.views, s.viewer.fineW, s.viewer.fineH)
	}
	each := make([]int, len(s.views))
	for i := range each {
		each[i] = i
	}
	return each
}

// Report compares the images. It takes about a millisecond an image, and for
// thousands of very similar ones up to ten.
func (s *Set) Report() *Report {
	r := &Report{Part: s.parts()}
	for _, p := range r.Part {
		r.Parts = max(r.Parts, p+1)
	}
	for i, why := range outliers(s.views, r.Part) {
		if why != "" {
			r.Outliers = append(r.Outliers, Outlier{i, s.views[i].name, why})
		}
	}
	shorten(s.views)
	r.Words = words(s.views, r, s.viewer.w, s.viewer.h)
	return r
}
