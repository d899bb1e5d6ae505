package line

import "gocv.io/x/gocv"

// On a line with gaps each part is seen in so many pictures on its way from the
// left to the right, a stride apart; in the middle one it lies where it does on
// a line without gaps.
const (
	seen   = 5
	stride = 0.3 // of the picture's side
)

// Pictures numbered from here on are never rendered by anybody: their random
// streams are for what differs between the pictures of one part.
const ownStreams = 1 << 62

// period is the pictures from one part to the next, 0 on a line without gaps.
func (o Options) period() uint64 {
	if o.Gap <= 0 {
		return 0
	}
	return seen + uint64(o.Gap)
}

// travel renders frame n of a line with gaps. The part and its light stay the
// same from picture to picture; the belt moves on and the sensor's noise is new.
func (l *Line) travel(n uint64, dst *gocv.Mat) Truth {
	part, phase := n/l.options.period(), n%l.options.period()
	s, d := l.plan(part)
	l.reseed(n|ownStreams, streamScene)
	s.beltX, s.beltY = l.random.Float64(), l.random.Float64()
	s.noise64 = l.random.Uint64()
	if phase >= seen {
		s.dx += 10 * float64(l.options.Size) // far out of sight
		l.shoot(&s, &d, dst)
		return Truth{}
	}
	s.dx += (float64(phase) - (seen-1)/2) * stride * float64(l.options.Size)
	l.shoot(&s, &d, dst)
	truth := l.truth(&s, &d)
	truth.Part = part + 1
	return truth
}
