package camera

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gocv.io/x/gocv"
)

// How a source's latency is measured: a light before the camera is switched, and
// the pictures tell when they saw it.
const (
	latencyRounds = 10
	lightSettles  = 5 * time.Second // longest time from a switch to pictures that show it
	leastContrast = 8               // grey levels between light and dark that are no noise
	fullyLit      = 0.9             // share of the contrast from which a picture was exposed after the switch
)

// Latency is what passes between the exposure of a picture and the moment it
// counts as captured.
type Latency struct {
	Shortest, Median, Longest time.Duration
	Rounds                    int
}

// ErrDark is wrapped where switching the light changed nothing.
var ErrDark = errors.New("the pictures do not show the light")

// MeasureLatency switches a light that the camera sees, ten times at odd
// moments, and takes the time until a picture shows it in full: one that was
// exposed altogether after the switch. The longest is the latency to reckon with;
// it holds up to one interval between pictures too much.
func (c *Camera) MeasureLatency(ctx context.Context, light func(on bool) error) (Latency, error) {
	dark, err := c.settled(ctx, light, false)
	if err != nil {
		return Latency{}, err
	}
	bright, err := c.settled(ctx, light, true)
	if err != nil {
		return Latency{}, err
	}
	if bright-dark < leastContrast {
		return Latency{}, fmt.Errorf("%w: brightness is %.1f without it and %.1f with it: point the camera at it, or darken the rest", ErrDark, dark, bright)
	}
	var took []time.Duration
	for n := range latencyRounds {
		if !sleep(ctx, time.Duration(rand.Int64N(int64(300*time.Millisecond)))) {
			return Latency{}, ctx.Err()
		}
		from, to := bright, dark
		if n%2 == 1 {
			from, to = dark, bright
		}
		d, err := c.shows(ctx, light, from, to)
		if err != nil {
			return Latency{}, err
		}
		took = append(took, d)
	}
	slices.Sort(took)
	return Latency{Shortest: took[0], Median: took[len(took)/2], Longest: took[len(took)-1], Rounds: len(took)}, nil
}

// settled switches the light and returns the brightness once it no longer changes.
func (c *Camera) settled(ctx context.Context, light func(bool) error, on bool) (float64, error) {
	if err := light(on); err != nil {
		return 0, err
	}
	if !sleep(ctx, max(time.Second, 2*c.Latency())) {
		return 0, ctx.Err()
	}
	_, brightness, err := c.look(ctx, time.Now())
	return brightness, err
}

// shows switches the light from one brightness to another and waits for a picture
// that has the second in full.
func (c *Camera) shows(ctx context.Context, light func(bool) error, from, to float64) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, lightSettles)
	defer cancel()
	switched := time.Now()
	if err := light(to > from); err != nil {
		return 0, err
	}
	for {
		captured, brightness, err := c.look(ctx, time.Time{})
		if err != nil {
			return 0, fmt.Errorf("%w within %v of its switching: %w", ErrDark, lightSettles, err)
		}
		if captured.After(switched) && (brightness-from)/(to-from) >= fullyLit {
			return captured.Sub(switched), nil
		}
	}
}

// look takes an intact image and returns when it was captured and how bright it is.
func (c *Camera) look(ctx context.Context, after time.Time) (time.Time, float64, error) {
	for {
		f, err := c.Next(ctx, after)
		if err != nil {
			return time.Time{}, 0, err
		}
		intact, captured, mean := f.Err == nil, f.Captured, gocv.Scalar{}
		if intact {
			mean = f.Picture.Mean()
		}
		f.Release()
		if intact {
			return captured, (mean.Val1 + mean.Val2 + mean.Val3) / 3, nil
		}
	}
}
