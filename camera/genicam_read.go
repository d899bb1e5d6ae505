package camera

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faird/camera/aravis"
	"faird/camera/fault"
	"faird/verdict"
)

const (
	// genicamBuffers holds what comes while a picture is being judged.
	genicamBuffers = 8
	// genicamSlice is how long a grab waits before the camera is asked if it lives.
	genicamSlice = 250 * time.Millisecond
	// genicamClock is how far a camera's clock may be behind the host's to count as
	// set by it (PTP): the age of a picture that has just come.
	genicamClock = time.Second
)

// genicam is a GigE Vision or USB3 Vision camera through Aravis.
type genicam struct {
	settings genicamSettings
	demand   chan struct{}
	known    *acquaintance
	patience time.Duration // longest silence of a camera that runs freely

	maxPixels int

	camera   *aravis.Camera
	address  string // of a GigE Vision camera
	exposure time.Duration
	pixels   pixels
	whole    time.Time // when the newest complete image came, or the camera was opened

	// With a trigger line, where each picture is a part:
	last   uint64          // number of the newest picture
	missed uint64          // pictures before held that never came, still to be answered for
	held   *aravis.Picture // the one that showed that some are missing
}

func (g *genicam) open(ctx context.Context) error {
	id, address, err := g.settings.find(ctx, g.known)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if g.camera, err = aravis.Open(id); err != nil {
		return fmt.Errorf("%w: is another program using it? It frees a camera some seconds after it ended", err)
	}
	g.address, g.pixels = address, newPixels()
	if err := g.settings.apply(g.camera); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	g.exposure = exposureOf(g.camera)
	if err := g.bounded(); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if err := g.camera.Start(genicamBuffers); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	g.whole = time.Now()
	return nil
}

// bounded checks the size of images before buffers are made for them.
func (g *genicam) bounded() error {
	_, _, width, height, err := g.camera.Region()
	if err == nil && width*height > g.maxPixels {
		err = fmt.Errorf("the camera is set to %dx%d pixels, more than camera.max_pixels, %d: raise it, or give width and height", width, height, g.maxPixels)
	}
	return err
}

func (g *genicam) close() {
	g.camera.Close()
	g.pixels.close()
}

func (g *genicam) read(ctx context.Context, f *Frame) error {
	switch g.settings.trigger {
	case "":
		return g.readNewest(ctx, f)
	case softwareTrigger:
		return g.readFired(ctx, f)
	default:
		return g.readLine(ctx, f)
	}
}

// readNewest gives the newest picture of a camera that runs freely.
func (g *genicam) readNewest(ctx context.Context, f *Frame) error {
	for end := time.Now().Add(g.patience * 9 / 10); time.Now().Before(end); {
		p, ok := g.newest()
		if !ok {
			if err := g.alive(ctx); err != nil {
				return err
			}
			continue
		}
		if p.Err == nil {
			g.whole = time.Now()
			return g.take(p, f, time.Time{})
		}
		g.camera.Return(p)
		if time.Since(g.whole) > g.patience {
			break
		}
		return lose(f, fault.Incomplete("%w", p.Err))
	}
	whole, broken, unbuffered := g.camera.Statistics()
	return fmt.Errorf("no complete image came for %v (%d complete, %d incomplete, %d without a buffer since it was opened): check the network's MTU and load, or lower packet",
		g.patience*9/10, whole, broken, unbuffered)
}

// newest waits for a picture and skips those that came before the last.
func (g *genicam) newest() (aravis.Picture, bool) {
	p, ok := g.camera.Grab(genicamSlice)
	for ok {
		newer, more := g.camera.Grab(0)
		if !more {
			break
		}
		g.camera.Return(p)
		p = newer
	}
	return p, ok
}

// readLine gives the next picture of a camera whose own line triggers it. Each is
// a part, so one that is lost on its way is a picture with an error.
func (g *genicam) readLine(ctx context.Context, f *Frame) error {
	if g.missed > 0 {
		g.missed--
		return lose(f, fault.Incomplete("a triggered image never came: the camera's numbers have a gap"))
	}
	if p := g.held; p != nil {
		g.held = nil
		return g.take(*p, f, time.Time{})
	}
	p, ok := g.camera.Grab(genicamSlice)
	switch {
	case !ok:
		if err := g.alive(ctx); err != nil {
			return err
		}
		return errQuiet
	case p.Err != nil: // its number is not known
		g.last++
		g.camera.Return(p)
		return lose(f, fault.Incomplete("%w", p.Err))
	}
	gap := p.ID - g.last - 1
	known := g.last != 0 && p.ID > g.last
	g.last = p.ID
	if known && gap > 0 && gap <= maxMissed {
		g.missed, g.held = gap, &p
		return g.readLine(ctx, f)
	}
	return g.take(p, f, time.Time{})
}

// maxMissed is the longest gap in a camera's numbers that is taken for lost
// pictures and not for a new count.
const maxMissed = 100

// readFired gives a picture exposed for whoever asks for one.
func (g *genicam) readFired(ctx context.Context, f *Frame) error {
	select {
	case <-g.demand:
	case <-time.After(genicamSlice):
		if err := g.alive(ctx); err != nil {
			return err
		}
		return errQuiet
	case <-ctx.Done():
		return ctx.Err()
	}
	for p, ok := g.camera.Grab(0); ok; p, ok = g.camera.Grab(0) { // of a trigger that was given up
		g.camera.Return(p)
	}
	fired := time.Now()
	if err := g.camera.Fire(); err != nil {
		return fmt.Errorf("software trigger: %w", err)
	}
	for end := fired.Add(g.patience * 9 / 10); time.Now().Before(end); {
		if p, ok := g.camera.Grab(genicamSlice); ok {
			if p.Err != nil {
				g.camera.Return(p)
				return lose(f, fault.Incomplete("%w", p.Err))
			}
			return g.take(p, f, fired)
		}
		if err := g.alive(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("the camera gave no picture within %v of its software trigger", g.patience*9/10)
}

// lose makes of a picture that did not come through a frame with an error.
func lose(f *Frame, why error) error {
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	f.fail(why)
	return nil
}

// take brings a picture to 8-bit BGR. Whoever fired knows when it was exposed at
// the earliest.
func (g *genicam) take(p aravis.Picture, f *Frame, fired time.Time) error {
	defer g.camera.Return(p)
	g.date(p, f, fired)
	f.evidence = evidence{pixels: p.Format.String(), number: int64(p.ID)}
	if err := g.check(p); err != nil {
		return err
	}
	if p.Width*p.Height > g.maxPixels {
		f.fail(tooLarge(p.Width, p.Height, g.maxPixels))
		return nil
	}
	return g.pixels.convert(p, &f.mat)
}

// date says when a picture was exposed. A camera whose clock is the host's (PTP)
// tells; the stamp of some is the end of the exposure, so its length is taken
// off. Else it is the first packet's arrival, less the exposure, and the latency
// that goes with estimates covers the rest.
func (g *genicam) date(p aravis.Picture, f *Frame, fired time.Time) {
	now := time.Now()
	age := time.Duration(now.UnixNano()) - p.Stamp
	switch arrived := now.Sub(p.Arrived); {
	case !fired.IsZero():
		f.Captured, f.Exposure = fired, verdict.Measured
	case age >= arrived && age < arrived+genicamClock:
		f.Captured, f.Exposure = now.Add(-age-g.exposure), verdict.Measured
	default:
		f.Captured, f.Exposure = now.Add(-max(arrived, 0)-g.exposure), verdict.Estimated
	}
}

// check compares what comes with what was asked, for a camera may be set by
// others while it runs.
func (g *genicam) check(p aravis.Picture) error {
	s := g.settings
	if s.width != 0 && p.Width != s.width || s.height != 0 && p.Height != s.height {
		return difference("size", fmt.Sprintf("%dx%d", s.width, s.height), fmt.Sprintf("%dx%d", p.Width, p.Height))
	}
	return nil
}

// alive asks a silent camera whether it is still there and ours.
func (g *genicam) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.camera.Lost() {
		return errors.New("the camera is gone, or another program took it")
	}
	if g.address == "" {
		return nil // USB: the kernel tells Aravis
	}
	if err := controlled(ctx, g.address); err != nil {
		return fmt.Errorf("camera at %s: %w: check its power and cable", g.address, err)
	}
	return nil
}
