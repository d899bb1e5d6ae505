package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/pipeline"
)

// benchReport is the JSON of faird bench.
type benchReport struct {
	Provider   string                 `json:"provider"`
	Frames     int                    `json:"frames"`
	FPS        float64                `json:"fps"`         // end to end: picture in memory to verdict
	NetworkFPS float64                `json:"network_fps"` // the bare network, same threads, alternating with the above
	LatencyMS  map[string]percentiles `json:"latency_ms"`
	Published  *published             `json:"published"` // nil with --mqtt=false
	Together   *together              `json:"together"`  // nil without --stations
	PeakRSSMB  float64                `json:"peak_rss_mb"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

type benchOptions struct {
	model, provider, library string
	fused                    string
	frames, warmup, size     int
	threads, stations        int
	rate                     float64
	mqtt, json               bool
}

func benchCommand() *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:   "bench --model m.onnx",
		Short: "Measures frames a second and latency, end to end and of the bare network",
		Long: "Measures one after the other: frames a second and the time of each stage, from a picture in memory to its verdict, one after\n" +
			"another; the bare network beside it; and, in a whole daemon with its own store and broker that a camera gives pictures at\n" +
			"--rate, the time from the exposure to the broker's acknowledgement of the verdict (published).",
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.frames < 1 || o.size < 16 {
				return usageError{fmt.Errorf("--frames must be at least 1 and --picture at least 16")}
			}
			if o.threads < 0 || o.stations < 0 || o.stations > 64 {
				return usageError{fmt.Errorf("--threads must be 0 or more, and --stations 0 to 64")}
			}
			if !slices.Contains([]string{"auto", "on", "off"}, o.fused) {
				return usageError{fmt.Errorf("--fused is auto, on or off, not %q", o.fused)}
			}
			if o.rate < 0 || o.rate > 1000 {
				return usageError{fmt.Errorf("--rate must be 0 to 1000 pictures a second")}
			}
			r, err := bench(c.Context(), o)
			if err == nil && o.mqtt {
				err = r.publish(c.Context(), o)
			}
			if err == nil && o.stations > 1 {
				err = r.together(c.Context(), o)
			}
			if err != nil {
				return err
			}
			r.PeakRSSMB = peakRSS()
			if o.json {
				return json.NewEncoder(c.OutOrStdout()).Encode(r)
			}
			return r.print(c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.model, "model", config.DemoModel, "model file")
	f.IntVar(&o.frames, "frames", 200, "frames to measure")
	f.IntVar(&o.size, "picture", 900, "height and width of the camera's picture in pixels")
	f.Float64Var(&o.rate, "rate", 0, "pictures a second for the part with MQTT; 0 is half of what was measured before, 20 at most")
	f.IntVar(&o.threads, "threads", 0, "threads of the network; 0 is one for each core, and with --stations what is measured to be best")
	f.StringVar(&o.fused, "fused", "auto", "filter and score in the network's graph: auto (on a GPU), on, off")
	f.IntVar(&o.stations, "stations", 0, "measure so many stations together too, beside one alone")
	f.BoolVar(&o.mqtt, "mqtt", true, "measure up to the broker too")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	addInferFlags(c, &o.provider, &o.library)
	o.warmup = 10
	return c
}

// bench measures in blocks that alternate between the whole way and the bare
// network, so that a machine that changes its speed changes both.
func bench(ctx context.Context, o benchOptions) (*benchReport, error) {
	m, err := openBench(ctx, o)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	i, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return nil, err
	}
	defer i.Close()
	pictures := benchPictures(o.size)
	defer func() {
		for _, p := range pictures {
			p.Close()
		}
	}()
	t := &timings{inspector: i, pictures: pictures, level: level(modelLimits(m))}
	const blocks = 10
	if err := t.whole(ctx, o.warmup); err != nil {
		return nil, err
	}
	*t = timings{inspector: i, pictures: pictures, level: t.level}
	for b := range blocks {
		n := o.frames*(b+1)/blocks - o.frames*b/blocks
		if err := t.whole(ctx, n); err != nil {
			return nil, err
		}
		if err := t.bare(ctx, n); err != nil {
			return nil, err
		}
	}
	return t.report(m.Provider()), nil
}

func openBench(ctx context.Context, o benchOptions) (*inspect.Model, error) {
	c := config.Default().Infer
	c.Provider, c.Library, c.Threads, c.Fused = o.provider, o.library, o.threads, o.fused
	log := consoleLog(zerolog.WarnLevel)
	f, err := pipeline.VetModel(ctx, o.model, c, log)
	if err != nil {
		return nil, err
	}
	return inspect.Open(f, c, log)
}

// benchPictures are parts of the simulated line, good and defective.
func benchPictures(size int) []gocv.Mat {
	l := line.New(line.Options{Seed: 1, Defects: 0.3, Size: size})
	defer l.Close()
	pictures := make([]gocv.Mat, 8)
	for n := range pictures {
		pictures[n] = gocv.NewMat()
		l.Render(uint64(n), &pictures[n])
	}
	return pictures
}

type timings struct {
	inspector *inspect.Inspector
	pictures  []gocv.Mat
	level     *float64
	result    inspect.Result

	total, prepare, restore, score []float64 // ms, one a frame
	wholeTime, bareTime            time.Duration
	bareRuns                       int
}

func (t *timings) whole(ctx context.Context, n int) error {
	for k := range n {
		start := time.Now()
		if err := t.inspector.Inspect(ctx, t.pictures[k%len(t.pictures)], t.level, &t.result); err != nil {
			return err
		}
		d := time.Since(start)
		t.wholeTime += d
		t.total = append(t.total, float64(d.Microseconds())/1000)
		t.prepare = append(t.prepare, t.result.Stages.Prepare)
		t.restore = append(t.restore, t.result.Stages.Restore)
		t.score = append(t.score, t.result.Stages.Score)
	}
	return nil
}

// bare runs the network alone on the newest input.
func (t *timings) bare(ctx context.Context, n int) error {
	start := time.Now()
	for range n {
		if err := t.inspector.Restore(ctx); err != nil {
			return err
		}
	}
	t.bareTime += time.Since(start)
	t.bareRuns += n
	return nil
}

func (t *timings) report(provider string) *benchReport {
	return &benchReport{
		Provider:   provider,
		Frames:     len(t.total),
		FPS:        float64(len(t.total)) / t.wholeTime.Seconds(),
		NetworkFPS: float64(t.bareRuns) / t.bareTime.Seconds(),
		LatencyMS: map[string]percentiles{
			"total": percentile(t.total), "prepare": percentile(t.prepare),
			"restore": percentile(t.restore), "score": percentile(t.score),
		},
	}
}

// percentile takes the nearest rank.
func percentile(ms []float64) percentiles {
	if len(ms) == 0 {
		return percentiles{}
	}
	s := slices.Sorted(slices.Values(ms))
	at := func(p int) float64 { return s[(len(s)*p+99)/100-1] }
	return percentiles{P50: at(50), P95: at(95), P99: at(99)}
}

// peakRSS is the largest resident set of this process so far, in MB of 2^20 bytes.
func peakRSS() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024
}

func (r *benchReport) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "provider %s, %d frames\nend to end   %7.2f frames/s\nbare network %7.2f frames/s (end to end is %.1f%% of it)\n",
		r.Provider, r.Frames, r.FPS, r.NetworkFPS, 100*r.FPS/r.NetworkFPS)
	if err != nil {
		return err
	}
	for _, stage := range []string{"prepare", "restore", "score", "total"} {
		p := r.LatencyMS[stage]
		if _, err := fmt.Fprintf(out, "%-8s p50 %8.2f ms   p95 %8.2f ms   p99 %8.2f ms\n", stage, p.P50, p.P95, p.P99); err != nil {
			return err
		}
	}
	if r.Published != nil {
		if err := r.Published.print(out); err != nil {
			return err
		}
	}
	if r.Together != nil {
		if err := r.Together.print(out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "peak memory %.0f MB\n", r.PeakRSSMB)
	return err
}
