package camera

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"faird/config"

	"github.com/rs/zerolog"
)

// How a real rate is measured: by the middle of so many intervals, which one
// late picture does not change, and how far it may be off.
const (
	rateIntervals     = 9
	rateTries         = 3 // a machine that is busy for a moment takes pictures late
	realRateTolerance = 0.25
)

// checking wraps a source so that what comes is compared with what was asked:
// the size of every picture, and the rate of the first ones. Those are not
// handed out.
func checking(want mode, make func(config.Camera, uint64) source) func(config.Camera, uint64) source {
	if want == (mode{}) {
		return make
	}
	return func(c config.Camera, skip uint64) source {
		return &checked{source: make(c, skip), want: want}
	}
}

type checked struct {
	source
	want      mode
	last      time.Time
	intervals []time.Duration
	tries     int
	settled   bool   // the rate was measured
	counted   uint64 // images skipped before the frame in hand that the rate knows of
}

func (c *checked) logTo(log zerolog.Logger) {
	if l, ok := c.source.(logger); ok {
		l.logTo(log)
	}
}

// read gives the next image, or errQuiet while the rate is being measured.
func (c *checked) read(ctx context.Context, f *Frame) error {
	if err := c.source.read(ctx, f); err != nil || f.Err != nil {
		return err // of an image that cannot be judged the size means nothing
	}
	if err := c.size(f); err != nil {
		return err
	}
	if c.want.fps == 0 || c.settled {
		return nil
	}
	if c.counted > f.skipped.images { // another frame
		c.counted = 0
	}
	n := f.skipped.images - c.counted + 1
	c.counted = f.skipped.images
	if err := c.rate(f.Captured, n); err != nil {
		return err
	}
	return errQuiet
}

func (c *checked) size(f *Frame) error {
	w, h := f.mat.Cols(), f.mat.Rows()
	if c.want.width != 0 && (w != c.want.width || h != c.want.height) {
		return fmt.Errorf("pictures of %dx%d pixels come and %dx%d were asked for: set the camera, or correct the url", w, h, c.want.width, c.want.height)
	}
	return nil
}

// rate compares the middle interval with the one asked for, once there are enough;
// n images came since the last call.
func (c *checked) rate(captured time.Time, n uint64) error {
	if !c.last.IsZero() {
		c.intervals = append(c.intervals, captured.Sub(c.last)/time.Duration(n))
	}
	c.last = captured
	if len(c.intervals) < rateIntervals {
		return nil
	}
	slices.Sort(c.intervals)
	got := 1 / c.intervals[rateIntervals/2].Seconds()
	c.intervals = c.intervals[:0]
	c.tries++
	c.settled = math.Abs(got-c.want.fps) <= realRateTolerance*c.want.fps
	if !c.settled && c.tries == rateTries {
		return fmt.Errorf("%.3g pictures a second come and %v were asked for: see the camera's exposure time and its format, or correct the url", got, c.want.fps)
	}
	return nil
}

var expectation = regexp.MustCompile(`^(?:(\d{1,5})x(\d{1,5}))?(?:@(\d{1,5}(?:\.\d+)?))?$`)

// expect reads what must come from a source that is set elsewhere: 1920x1080@25,
// or only one of the two.
func (q *query) expect() (m mode) {
	text, ok := q.get("expect")
	if !ok {
		return m
	}
	parts := expectation.FindStringSubmatch(text)
	if parts == nil || text == "" {
		q.wrong("expect", text, "width x height @ rate, for example 1920x1080@25, 1920x1080 or @25")
		return m
	}
	m.width, _ = strconv.Atoi(parts[1]) // "" is not asked
	m.height, _ = strconv.Atoi(parts[2])
	m.fps, _ = strconv.ParseFloat(parts[3], 64)
	return m
}
