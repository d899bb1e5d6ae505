package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
	"faird/pipeline"
	"faird/verdict"
)

// published is how a whole daemon did with a camera of a steady rate.
type published struct {
	Rate     float64     `json:"rate"`    // pictures a second that the camera gave
	Frames   int         `json:"frames"`  // verdicts acknowledged by the broker
	Dropped  uint64      `json:"dropped"` // pictures that a fresher one replaced
	Latency  percentiles `json:"latency_ms"`
	Decided  percentiles `json:"decided_ms"` // the part of it up to the verdict's being on disk and handed over
	P99ByP50 float64     `json:"p99_by_p50"`
}

// benchRateMost bounds the pictures a second that bench asks for by itself.
const benchRateMost = 20

// publish measures from the exposure to the broker's acknowledgement, in a
// daemon of its own that nobody else knows.
func (r *benchReport) publish(ctx context.Context, o benchOptions) error {
	if o.rate == 0 {
		o.rate = min(r.FPS/2, benchRateMost)
	}
	dir, err := os.MkdirTemp("", "faird-bench-")
	if err != nil {
		return fmt.Errorf("a folder for the measurement: %w", err)
	}
	defer os.RemoveAll(dir)
	c, err := publishConfig(o, dir)
	if err != nil {
		return err
	}
	a := &arrivals{why: errors.New("no picture was judged"), skip: o.warmup, want: o.warmup + o.frames, enough: make(chan struct{})}
	err = runDaemon(ctx, c, nil, hooks{observe: a.decide, live: a.arrive, ready: func(d *daemon, stop context.CancelFunc) {
		defer stop()
		a.wait(ctx, d, time.Duration(float64(a.want)/o.rate*float64(time.Second))+publishPatience)
	}})
	if err != nil {
		return err
	}
	if len(a.latency) == 0 {
		return fmt.Errorf("no verdict was acknowledged: %w", a.why)
	}
	r.Published = &published{
		Rate: o.rate, Frames: len(a.latency), Dropped: a.dropped, Latency: percentile(a.latency), Decided: percentile(a.decided),
	}
	r.Published.P99ByP50 = r.Published.Latency.P99 / r.Published.Latency.P50
	return nil
}

// publishPatience is how much longer than they should the pictures may take.
const publishPatience = time.Minute

// publishConfig is one station whose camera shows pictures in a format that
// costs next to nothing to decode, for ever.
func publishConfig(o benchOptions, dir string) (*config.Config, error) {
	c := config.Default()
	c.Site, c.Box, c.Log.Level = "bench", "box1", "error"
	c.Infer.Provider, c.Infer.Library, c.Infer.Threads, c.Infer.Fused = o.provider, o.library, o.threads, o.fused
	if o.threads == 0 {
		c.Infer.Threads = runtime.GOMAXPROCS(0) // as in the first part
	}
	c.Store.Path, c.Web.Listen, c.Archive.MaxBytes = filepath.Join(dir, "store"), "", 0
	var err error
	if c.MQTT.Builtin.Listen, err = freeAddress("127.0.0.1:0"); err != nil {
		return nil, err
	}
	pictures := filepath.Join(dir, "pictures")
	if err := writeBenchPictures(pictures, o.size); err != nil {
		return nil, err
	}
	s := config.DefaultStation()
	s.Name, s.Model = "bench", o.model
	f, err := pipeline.ReadModel(o.model)
	if err != nil {
		return nil, err
	}
	if f.Calibration == nil {
		unreached := 1e6
		s.Threshold = &unreached
	}
	s.Camera.URL = fmt.Sprintf("file://%s?loop=true&rate=%g", pictures, o.rate)
	c.Stations = []config.Station{s}
	return &c, nil
}

func writeBenchPictures(dir string, size int) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for n, p := range benchPictures(size) {
		path := filepath.Join(dir, fmt.Sprintf("%d.bmp", n))
		written := gocv.IMWrite(path, p)
		_ = p.Close()
		if !written {
			return fmt.Errorf("%s could not be written", path)
		}
	}
	return nil
}

// arrivals notes when verdicts were decided and acknowledged, but for the first.
type arrivals struct {
	skip, want int
	enough     chan struct{} // closed when there are as many as wanted

	mu               sync.Mutex
	seen             int
	latency, decided []float64 // ms
	dropped          uint64
	why              error // the newest verdict that judged nothing
}

// decide runs on the station's loop, arrive on the publisher's.
func (a *arrivals) decide(v *verdict.Verdict, f *camera.Frame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.Score == nil {
		a.why = errors.New(string(v.Reason) + " " + v.Detail)
	}
	if f != nil && a.seen >= a.skip && a.seen < a.want {
		a.decided = append(a.decided, verdict.Millis(time.Since(v.Time.Captured.Time)))
	}
}

func (a *arrivals) arrive(_ string, sinceExposure time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen++
	if a.seen > a.skip && a.seen <= a.want {
		a.latency = append(a.latency, verdict.Millis(sinceExposure))
	}
	if a.seen == a.want {
		close(a.enough)
	}
}

func (a *arrivals) wait(ctx context.Context, d *daemon, patience time.Duration) {
	select {
	case <-a.enough:
	case <-time.After(patience):
	case <-ctx.Done():
	}
	for _, st := range d.box.States() {
		a.mu.Lock()
		a.dropped += st.Counts.Dropped
		a.mu.Unlock()
	}
}

func (p *published) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "published p50 %8.2f ms   p95 %8.2f ms   p99 %8.2f ms   from exposure to the broker's acknowledgement, %.3g pictures a second, %d dropped; p99 is %.2f times p50\n",
		p.Latency.P50, p.Latency.P95, p.Latency.P99, p.Rate, p.Dropped, p.P99ByP50)
	return err
}
