// Package camera says where frames come from: picture files and folders, video
// files, V4L2, RTSP and HTTP streams, GStreamer pipelines, the simulated line.
// It opens and reads them with deadlines, brings a lost source back for ever,
// and hands out the newest frame, or every one where each must be judged. It
// judges nothing: whether a picture is worth a score is not decided here.
package camera

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"faird/camera/fault"
	"faird/camera/line"
	"faird/config"

	"github.com/rs/zerolog"
)

// Truth is what a frame of the simulated line really shows.
type Truth = line.Truth

// ErrLost is wrapped by [Camera.Next] when the time ran out while the source
// was not connected; the text says why it is not.
var ErrLost = errors.New("camera is not connected")

// ErrPicture is wrapped by [Frame.Err]: the source gave something that is not
// a picture, so there is a frame to answer for but nothing to judge.
var ErrPicture = fault.ErrImage

// What applies where the config leaves a duration at zero.
const (
	defaultOpenTimeout = 10 * time.Second
	defaultReadTimeout = 5 * time.Second
	defaultBackoffMin  = 500 * time.Millisecond
	defaultBackoffMax  = time.Second
)

// maxStuck bounds the threads that may sit in C calls which never returned.
const maxStuck = 8

// Camera is one source of frames. Open makes it, Run works it, Next takes from it.
type Camera struct {
	settings config.Camera
	plan     plan
	log      zerolog.Logger
	backoff  backoff
	maxStuck int

	mu      sync.Mutex
	pool    pool
	slot    *Frame        // newest frame not yet handed out
	changed chan struct{} // closed at the next change; nil while nobody waits
	phase   phase
	end     error // what Next and Run say once phase is ended
	status  Status
	outage  bool      // a loss was logged and the recovery was not
	last    time.Time // capture of the newest frame, for the rate
	stuck   int       // abandoned workers that have not come back
}

type phase int

const (
	idle phase = iota // Run was not called yet
	running
	ended
)

// Status is a camera's state at one moment.
type Status struct {
	Connected bool
	Since     time.Time // when Connected last changed
	Err       string    // why it is not connected; "" when it is
	OnCall    bool      // it gives a picture when something asks for one: silence is no fault
	Failed    bool      // an attempt to open or read it has failed since it last gave a frame
	Width     int       // of the newest picture, pixels
	Height    int
	FPS       float64 // measured, pictures a second
	Frames    uint64  // taken from the source
	Dropped   uint64  // taken and never handed out, a newer one having come
	Reopened  uint64  // times the source was opened again after a loss
	Abandoned uint64  // threads given up because a call did not return by its deadline
}

// Open checks the URL and the settings and touches no device. The frames come
// once Run works.
func Open(c config.Camera, log zerolog.Logger) (*Camera, error) {
	p, err := parse(c.URL)
	if err != nil {
		return nil, err
	}
	c = withDefaults(c)
	if err := check(c); err != nil {
		return nil, err
	}
	return newCamera(c, p, log), nil
}

func newCamera(c config.Camera, p plan, log zerolog.Logger) *Camera {
	return &Camera{
		settings: c,
		plan:     p,
		log:      log.With().Str("camera", p.name).Logger(),
		backoff:  backoff{min: c.BackoffMin, max: c.BackoffMax},
		maxStuck: maxStuck,
		pool:     pool{size: poolSize},
		status:   Status{Since: time.Now(), Err: "not started", OnCall: p.onCall},
	}
}

func withDefaults(c config.Camera) config.Camera {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&c.OpenTimeout, defaultOpenTimeout},
		{&c.ReadTimeout, defaultReadTimeout},
		{&c.BackoffMin, defaultBackoffMin},
		{&c.BackoffMax, max(defaultBackoffMax, c.BackoffMin)},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if c.MaxPixels == 0 {
		c.MaxPixels = config.DefaultMaxPixels
	}
	return c
}

func check(c config.Camera) error {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"open_timeout", c.OpenTimeout},
		{"read_timeout", c.ReadTimeout},
		{"backoff_min", c.BackoffMin},
		{"backoff_max", c.BackoffMax},
	} {
		if d.value < time.Millisecond {
			return fmt.Errorf("camera %s is %v: give at least 1ms, for example 5s", d.key, d.value)
		}
	}
	if c.BackoffMax < c.BackoffMin {
		return fmt.Errorf("camera backoff_max %v is below backoff_min %v: swap them", c.BackoffMax, c.BackoffMin)
	}
	return nil
}

// Every says whether each picture of this source must be judged: nothing is
// dropped for a newer one and the taker sets the pace. So it is for files gone
// through once, pictures that others bring, and a camera with a trigger line.
func (c *Camera) Every() bool { return c.plan.every }

// Latency is the time from exposure to Captured that is taken off before a
// frame counts as exposed after a trigger.
func (c *Camera) Latency() time.Duration { return c.plan.latency }

// Status tells the state of the camera and its counts.
func (c *Camera) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Failed = c.outage
	return s
}

// Next waits for a frame and hands out the newest one that nobody has taken and
// that was exposed later than after (zero: any). The caller releases it. When
// ctx ends first the error wraps ctx's, and ErrLost where the source is not
// connected. Once a source that ends is used up it is io.EOF.
func (c *Camera) Next(ctx context.Context, after time.Time) (*Frame, error) {
	if c.plan.demand != nil && after.IsZero() {
		after = time.Now() // what was asked for earlier may be old by now
	}
	c.call()
	for {
		f, wait, err := c.take(after)
		if f != nil || err != nil {
			return f, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, c.waited(ctx, after)
		}
	}
}

// call tells a source that gives pictures on demand that one is wanted.
func (c *Camera) call() {
	select {
	case c.plan.demand <- struct{}{}:
	default: // asked already, or not that kind of source
	}
}

// waited says why a wait for a frame came to nothing.
func (c *Camera) waited(ctx context.Context, after time.Time) error {
	s := c.Status()
	switch {
	case !s.Connected && s.Err != "":
		return fmt.Errorf("%w: %s: %w", ErrLost, s.Err, ctx.Err())
	case !after.IsZero():
		return fmt.Errorf("no frame exposed after the trigger came in time: %w", ctx.Err())
	default:
		return fmt.Errorf("no frame came in time: %w", ctx.Err())
	}
}
