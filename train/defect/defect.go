// Package defect makes synthetic defects on good pictures, as the paper trains
// with: rotations, textures inside Perlin masks, CutPaste, and blended patches
// of other pictures. Everything random comes from the generator handed in. It
// works on 8-bit BGR pixels in Go memory and never reads or shows a picture.
package defect

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Kinds of samples.
const (
	Clean    = "clean"
	Texture  = "texture"
	CutPaste = "cutpaste"
	Patch    = "nsa"
	Scar     = "scar"
	Erase    = "erase"
)

// Forms of CutPaste.
const (
	FormAuthors = "authors" // as in the authors' code: a large patch turned about its corner, black where nothing is
	FormPaper   = "paper"   // as in the paper's text: a patch of more than half of the picture
)

// Mix says which defects are made, how often. Texture, CutPaste, Patch, Scar and
// Erase share what Clean leaves, in proportion.
type Mix struct {
	Rotate   float64 `json:"rotate"` // share of the pictures turned first, with their target
	Clean    float64 `json:"clean"`  // share left without a defect
	Texture  float64 `json:"texture"`
	CutPaste float64 `json:"cutpaste"`
	Patch    float64 `json:"nsa"`
	Scar     float64 `json:"scar,omitempty"`
	Erase    float64 `json:"erase,omitempty"`
	Form     string  `json:"form"` // of CutPaste
}

// PaperMix is the paper's: 30% turned, half clean, and of the rest half texture
// and half CutPaste.
func PaperMix(form string) Mix {
	return Mix{Rotate: 0.3, Clean: 0.5, Texture: 0.25, CutPaste: 0.25, Form: form}
}

// Check says what is wrong with the mix.
func (m Mix) Check() error {
	for _, share := range []float64{m.Rotate, m.Clean, m.Texture, m.CutPaste, m.Patch, m.Scar, m.Erase} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("synthetic defects: shares must be 0 to 1, %v is not", share)
		}
	}
	switch {
	case m.CutPaste > 0 && m.Form != FormAuthors && m.Form != FormPaper:
		return fmt.Errorf("cutpaste %q: choose %s or %s", m.Form, FormPaper, FormAuthors)
	case m.Clean < 1 && m.defects() == 0:
		return errors.New("synthetic defects: every kind is switched off; leave one on, or all pictures clean")
	}
	return nil
}

// draw picks a kind.
func (m Mix) draw(r *rand.Rand) string {
	if r.Float64() < m.Clean {
		return Clean
	}
	at := r.Float64() * m.defects()
	for _, k := range []struct {
		kind  string
		share float64
	}{{Texture, m.Texture}, {CutPaste, m.CutPaste}, {Patch, m.Patch}, {Scar, m.Scar}} {
		if at -= k.share; at < 0 {
			return k.kind
		}
	}
	return Erase
}

// defects is the sum of the shares of all kinds.
func (m Mix) defects() float64 { return m.Texture + m.CutPaste + m.Patch + m.Scar + m.Erase }

// Sample is one picture to train on.
type Sample struct {
	Kind   string
	Input  []byte // [h,w,3] BGR, with the defect
	Target []byte // [h,w,3] BGR, what it should be restored to
	Mask   []byte // [h,w], 255 where the two differ
}

// Pool is a set of pictures [h,w,3] of one size.
type Pool [][]byte

func (p Pool) draw(r *rand.Rand) []byte { return p[r.IntN(len(p))] }

// Maker makes samples of one size; one goroutine uses it at a time.
type Maker struct {
	h, w     int
	mix      Mix
	good     Pool
	textures Pool
	scratch  [2]canvas
	noise    []float32
	sums     sums
}

// New makes a Maker for pictures of h x w pixels. Textures may be empty: the
// good pictures are textures then.
func New(h, w int, mix Mix, good, textures Pool) (*Maker, error) {
	if err := mix.Check(); err != nil {
		return nil, err
	}
	if len(good) == 0 {
		return nil, errors.New("synthetic defects: no good pictures")
	}
	if len(textures) == 0 {
		textures = good
	}
	for _, p := range append(append(Pool{}, good...), textures...) {
		if len(p) != 3*h*w {
			return nil, fmt.Errorf("synthetic defects: a picture of %d bytes among those of %dx%d pixels", len(p), w, h)
		}
	}
	m := &Maker{h: h, w: w, mix: mix, good: good, textures: textures, noise: make([]float32, h*w)}
	for i := range m.scratch {
		m.scratch[i] = canvas{h, w, make([]byte, 3*h*w)}
	}
	return m, nil
}

// Make fills s from the good picture of that index; what is random depends on
// r alone.
func (m *Maker) Make(r *rand.Rand, index int, s *Sample) {
	s.Input, s.Target, s.Mask = sized(s.Input, 3*m.h*m.w), sized(s.Target, 3*m.h*m.w), sized(s.Mask, m.h*m.w)
	target := canvas{m.h, m.w, s.Target}
	copy(s.Target, m.good[index])
	if r.Float64() < m.mix.Rotate {
		source := m.scratch[0]
		copy(source.pix, s.Target)
		target.turn(source, between(r, -90, 90))
	}
	copy(s.Input, s.Target)
	s.Kind = m.mix.draw(r)
	switch input := (canvas{m.h, m.w, s.Input}); s.Kind {
	case Texture:
		m.texture(r, input)
	case CutPaste:
		m.cutPaste(r, input)
	case Patch:
		m.patches(r, input)
	case Scar:
		m.scars(r, input)
	case Erase:
		m.erase(r, input)
	}
	for i := range s.Mask {
		s.Mask[i] = 0
		if [3]byte(s.Input[3*i:]) != [3]byte(s.Target[3*i:]) {
			s.Mask[i] = 255
		}
	}
}

func sized(b []byte, n int) []byte {
	if len(b) == n {
		return b
	}
	return make([]byte, n)
}

func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }
