package presence

import (
	"math"
	"time"

	"faird/config"
)

// points is the most along each side of the region that are looked at.
const points = 64

// adapt is the weight of the newest picture in the background while no part is
// there: it follows the light within some fifty pictures.
const adapt = 0.02

// Event is what a picture tells.
type Event int

// Events.
const (
	Nothing  Event = iota
	Entered        // a part has come: once for each
	Left           // it is gone
	Absorbed       // what came has stayed for so long that it is background now
)

// Detector follows one region. It is for one goroutine.
type Detector struct {
	conf       config.Change
	background []float32 // grey of the points when nothing is there; nil before the first picture
	before     []float32 // the background that something was absorbed into; nil: none was
	present    bool
	run        int // pictures in a row that say otherwise than present
	since      time.Time
}

// NewDetector makes a detector; the first picture is its background.
func NewDetector(c config.Change) *Detector { return &Detector{conf: c} }

// Present says whether a part is there.
func (d *Detector) Present() bool { return d.present }

// Add takes the next picture's points, of 0..255, and when it was taken. Another
// number of points than before begins anew.
func (d *Detector) Add(grey []byte, taken time.Time) Event {
	if len(grey) != len(d.background) {
		d.learn(grey)
		return Nothing
	}
	share := d.foreground(grey, d.background)
	if d.contradicts(share) {
		if d.run++; d.run >= d.conf.Debounce {
			return d.turn(grey, taken)
		}
		return Nothing
	}
	d.run = 0
	switch {
	case !d.present:
		d.follow(grey)
	case d.conf.Absorb > 0 && taken.Sub(d.since) > d.conf.Absorb:
		d.absorb(grey)
		return Absorbed
	}
	return Nothing
}

// learn begins with a picture as the background.
func (d *Detector) learn(grey []byte) {
	d.background = make([]float32, len(grey))
	for i, v := range grey {
		d.background[i] = float32(v)
	}
	d.before, d.present, d.run = nil, false, 0
}

// contradicts says whether a picture is not of the state: the two limits are
// apart, so that a part at the edge does not come and go.
func (d *Detector) contradicts(share float64) bool {
	if d.present {
		return share < d.conf.Leave
	}
	return share >= d.conf.Enter
}

// turn is the end of a state. A part that was absorbed and goes away uncovers
// the background from before: that is no part.
func (d *Detector) turn(grey []byte, taken time.Time) Event {
	d.run = 0
	if d.present {
		d.present = false
		return Left
	}
	if d.before != nil && d.foreground(grey, d.before) < d.conf.Leave {
		d.background, d.before = d.before, nil
		return Nothing
	}
	d.present, d.since = true, taken
	return Entered
}

// absorb makes what is there the background.
func (d *Detector) absorb(grey []byte) {
	before := d.background
	d.learn(grey)
	d.before = before
}

// foreground is the share of points that differ from a background.
func (d *Detector) foreground(grey []byte, background []float32) float64 {
	n := 0
	for i, v := range grey {
		if math.Abs(float64(v)-float64(background[i])) >= d.conf.Difference {
			n++
		}
	}
	return float64(n) / float64(len(grey))
}

// follow moves the background towards a picture in which nothing is there
// (running average).
func (d *Detector) follow(grey []byte) {
	for i, v := range grey {
		d.background[i] += adapt * (float32(v) - d.background[i])
	}
}
