package camera

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

const (
	gstreamerLatency = 100 * time.Millisecond
	maxLatency       = time.Minute
	sinkTail         = " ! videoconvert ! video/x-raw,format=(string){BGR,GRAY8} ! appsink drop=true max-buffers=1 sync=false"
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
		source:  checking(want, gstreamer{pipeline: pipeline}.make),
	}, q.finish()
}

// withSink makes the pipeline end in an appsink that holds one picture, the newest.
func withSink(pipeline string) (string, error) {
	at := -1
	list := words(pipeline)
	for i, w := range list {
		if w == "appsink" && (i == 0 || list[i-1] == "!") {
			at = i
		}
	}
	if at < 0 {
		return pipeline + sinkTail, nil
	}
	options := strings.Join(list[at:], " ")
	if !strings.Contains(options, "drop=true") && !strings.Contains(options, "drop=1") {
		return "", errors.New("the pipeline's appsink queues old pictures: write appsink drop=true max-buffers=1 sync=false, or leave the appsink out")
	}
	return pipeline, nil
}

// gstreamer is a pipeline through OpenCV's GStreamer back end.
type gstreamer struct {
	pipeline string
	address  string // host:port that must answer first, or ""
	timeout  time.Duration
	*capture
}

func (g gstreamer) make(c config.Camera, _ uint64) source {
	g.timeout = c.OpenTimeout
	return &g
}

func (g *gstreamer) open(ctx context.Context) error {
	if !gocv.VideoRegistry.HasBackend(gocv.VideoCaptureGstreamer) {
		return errors.New("this OpenCV has no GStreamer: install the distribution's libopencv-dev")
	}
	if err := checkElements(ctx, g.pipeline); err != nil {
		return err
	}
	if g.address != "" {
		if err := reach(ctx, g.address, g.timeout); err != nil {
			return err
		}
	}
	var err error
	if g.capture, err = openCapture(g.pipeline, gocv.VideoCaptureGstreamer); err != nil {
		return fmt.Errorf("%w: try it with gst-launch-1.0: %s", err, redact(g.pipeline))
	}
	return nil
}

func (g *gstreamer) read(ctx context.Context, f *Frame) error { return g.readUnless(ctx, f) }

func (g *gstreamer) close() { g.capture.close() }
