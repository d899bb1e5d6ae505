package validity

import "time"

// Gate lets through the pictures that are worth a score. It is for one
// goroutine; no picture costs it an allocation unless it has a fault.
type Gate struct {
	limits Limits
	freeze Freeze
	meter  *Meter
	stats  Stats
}

// NewGate makes a gate for pixels [h,w,3]; frozen is how long one picture may
// come again and again, 0 for ever.
func NewGate(w, h int, l Limits, frozen time.Duration) *Gate {
	return &Gate{limits: l, freeze: Freeze{After: frozen}, meter: NewMeter(w, h)}
}

// Add measures 8-bit BGR pixels [h,w,3]: the picture, or one of its tiles.
func (g *Gate) Add(pixels []byte) error { return g.meter.Add(pixels) }

// Check says whether the picture is worth a score whose pixels were added since
// it was last called. aspect is its width over its height before it was
// resized. The error is a [Fault].
func (g *Gate) Check(aspect float64, taken time.Time) error {
	g.stats = g.meter.Take(aspect)
	frozen := g.freeze.Check(&g.stats, taken)
	if f := g.limits.Check(&g.stats); f != nil {
		return f
	}
	if frozen != nil {
		return frozen
	}
	return nil
}

// Brightness is the mean level of the last picture, 0..255.
func (g *Gate) Brightness() float64 { return g.stats.Brightness }
