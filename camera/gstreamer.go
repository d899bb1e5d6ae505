package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"faird/camera/fault"
	"faird/camera/gst"
	"faird/config"
	"faird/config/redact"
	"faird/verdict"
)

const (
	gstreamerLatency = 100 * time.Millisecond
	maxLatency       = time.Minute
	sinkName         = "faird_newest"
	sinkTail         = " ! videoconvert ! video/x-raw,format=(string){BGR,GRAY8} ! appsink name=" + sinkName + " drop=true max-buffers=1 sync=false"

	gstreamerSlice   = 200 * time.Millisecond // how soon a wait notices that it is to end
	gstreamerClosing = 6 * time.Second        // for elements that say goodbye to a camera that is gone
)

// parseGStreamer understands gstreamer:<pipeline>. Settings of ours, if any,
// stand before the pipeline: gstreamer:?latency=80ms v4l2src ! …
func parseGStreamer(text string) (plan, error) {
	settings, pipeline := "", strings.TrimSpace(text)
	if strings.HasPrefix(pipeline, "?") {
		settings, pipeline, _ = strings.Cut(pipeline[1:], " ")
		pipeline = strings.TrimSpace(pipeline)
	}
	q := newQuery(gstreamerScheme, settings)
	latency, want := q.duration("latency", gstreamerLatency, maxLatency), q.expect()
	if pipeline == "" {
		return plan{}, errors.New("the pipeline is empty: write for example gstreamer:v4l2src device=/dev/video0")
	}
	pipeline, err := withSink(pipeline)
	if err != nil {
		return plan{}, err
	}
	return plan{
		latency: latency,
		closing: gstreamerClosing,
		source:  checking(want, gstreamer{pipeline: pipeline}.make),
	}, q.finish()
}

// withSink makes the pipeline end in an appsink of a known name that holds one
// picture, the newest.
func withSink(pipeline string) (string, error) {
	own := ownSink.FindStringSubmatchIndex(pipeline)
	if own == nil {
		return pipeline + sinkTail, nil
	}
	options := pipeline[own[3]:]
	if !strings.Contains(options, "drop=true") && !strings.Contains(options, "drop=1") {
		return "", errors.New("the pipeline's appsink queues old pictures: write appsink drop=true max-buffers=1 sync=false, or leave the appsink out")
	}
	if named.MatchString(options) {
		return "", fmt.Errorf("the pipeline's appsink has a name: leave it out, faird calls it %s", sinkName)
	}
	return pipeline[:own[3]] + " name=" + sinkName + options, nil
}

var (
	ownSink = regexp.MustCompile(`(?:^|!)\s*(appsink)(?:\s|$)`)
	named   = regexp.MustCompile(`(?:^|\s)name=`)
)

// gstreamer is a pipeline that ends in an appsink.
type gstreamer struct {
	pipeline string
	address  string // host:port that must answer first, or ""
	timeout  time.Duration
	patience time.Duration // longest silence

	maxPixels int

	playing *gst.Pipeline
	pixels  pixels
}

func (g gstreamer) make(c config.Camera, _ uint64) source {
	g.timeout, g.patience, g.maxPixels = c.OpenTimeout, c.ReadTimeout, c.MaxPixels
	return &g
}

func (g *gstreamer) open(ctx context.Context) error {
	if g.address != "" {
		if err := reach(ctx, g.address, g.timeout); err != nil {
			return err
		}
	}
	var err error
	if g.playing, err = gst.Open(g.pipeline, sinkName); err != nil {
		return g.explain(err)
	}
	g.pixels = newPixels()
	for end := time.Now().Add(g.timeout * 9 / 10); time.Now().Before(end) && ctx.Err() == nil; {
		if playing, err := g.playing.Await(gstreamerSlice); err != nil {
			return g.explain(err)
		} else if playing {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return g.explain(fmt.Errorf("it does not play within %v", g.timeout*9/10))
}

// explain takes passwords out of GStreamer's words.
func (g *gstreamer) explain(err error) error {
	return redact.Error(fmt.Errorf("%w: try the pipeline with gst-launch-1.0", err))
}

func (g *gstreamer) read(ctx context.Context, f *Frame) error {
	for end := time.Now().Add(g.patience * 9 / 10); time.Now().Before(end) && ctx.Err() == nil; {
		p, came, err := g.playing.Pull(gstreamerSlice)
		if errors.Is(err, io.EOF) {
			return errEnded
		}
		if err != nil {
			return redact.Error(err)
		}
		if came {
			f.Captured, f.Exposure = time.Now(), verdict.Estimated
			err := g.take(p, f)
			p.Release()
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("no picture came for %v: check the camera and its cable, or raise read_timeout", g.patience*9/10)
}

// take brings a sample to 8-bit BGR, unless the pipeline itself says that it is
// damaged.
func (g *gstreamer) take(p gst.Picture, f *Frame) error {
	f.evidence.pixels = p.Format
	if p.PTS > 0 {
		f.evidence.stamp = int64(p.PTS)
	}
	switch {
	case p.Corrupted:
		f.fail(fault.Damaged("an element of the pipeline marked it as corrupted"))
	case p.Gap:
		f.fail(fault.Repeated("an element of the pipeline filled a gap in the stream with it"))
	case p.Width*p.Height > g.maxPixels:
		f.fail(tooLarge(p.Width, p.Height, g.maxPixels))
	default:
		return g.pixels.convertSample(p, &f.mat)
	}
	return nil
}

func (g *gstreamer) close() {
	g.playing.Close()
	g.pixels.close()
}
