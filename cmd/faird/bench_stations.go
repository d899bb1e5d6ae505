package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/pipeline"
	"faird/verdict"
)

// together is how several stations that share a model do, beside one that has
// the machine to itself, each with the split of the cores that is best for it.
type together struct {
	Stations    int         `json:"stations"`
	FPS         float64     `json:"fps"`        // of all
	SingleFPS   float64     `json:"single_fps"` // of one alone, alternating with the above
	OfSingle    float64     `json:"of_single"`
	Shares      []float64   `json:"shares"` // of each station
	Split       infer.Split `json:"split"`
	SingleSplit infer.Split `json:"single_split"`
	Latency     percentiles `json:"latency_ms"` // from a picture in memory to its verdict, waiting for the others included
}

// togetherBlocks alternate, so that a machine that changes its speed changes both.
const togetherBlocks = 5

func (r *benchReport) together(ctx context.Context, o benchOptions) error {
	one, err := openStations(ctx, o, 1)
	if err != nil {
		return err
	}
	defer one.close()
	all, err := openStations(ctx, o, o.stations)
	if err != nil {
		return err
	}
	defer all.close()
	for _, s := range []*benchLine{one, all} {
		if err := s.run(ctx, o.warmup); err != nil {
			return err
		}
		s.forget()
	}
	for b := range togetherBlocks {
		n := o.frames*(b+1)/togetherBlocks - o.frames*b/togetherBlocks
		if err := errors.Join(one.run(ctx, n), all.run(ctx, n)); err != nil {
			return err
		}
	}
	r.Together = &together{
		Stations: o.stations, FPS: all.fps(), SingleFPS: one.fps(), OfSingle: all.fps() / one.fps(),
		Shares: all.shares(), Split: all.model.Split(), SingleSplit: one.model.Split(), Latency: percentile(all.latencies()),
	}
	return nil
}

// benchLine is stations that judge as fast as they can.
type benchLine struct {
	model    *inspect.Model
	pictures []gocv.Mat
	stations []*benchStation
	took     time.Duration
}

type benchStation struct {
	inspector *inspect.Inspector
	result    inspect.Result
	latency   []float64 // ms
}

func openStations(ctx context.Context, o benchOptions, n int) (*benchLine, error) {
	c := config.Default().Infer
	c.Provider, c.Library, c.Threads, c.Fused = o.provider, o.library, o.threads, o.fused
	f, err := pipeline.VetModel(ctx, o.model, c, consoleLog(zerolog.WarnLevel))
	if err != nil {
		return nil, err
	}
	l := &benchLine{pictures: benchPictures(o.size)}
	if l.model, err = inspect.OpenSplit(ctx, f, c, &infer.Tuner{Stations: n}, consoleLog(zerolog.WarnLevel)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	for range n {
		i, err := l.model.NewInspector(inspect.Options{})
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.stations = append(l.stations, &benchStation{inspector: i})
	}
	return l, nil
}

// run has the stations judge n pictures together.
func (l *benchLine) run(ctx context.Context, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	failed := make([]error, len(l.stations))
	start := time.Now()
	var working sync.WaitGroup
	for k, s := range l.stations {
		working.Go(func() {
			for left.Add(-1) >= 0 && failed[k] == nil {
				failed[k] = s.judge(ctx, l.pictures)
			}
		})
	}
	working.Wait()
	l.took += time.Since(start)
	return errors.Join(failed...)
}

func (s *benchStation) judge(ctx context.Context, pictures []gocv.Mat) error {
	start := time.Now()
	err := s.inspector.Inspect(ctx, pictures[len(s.latency)%len(pictures)], nil, &s.result)
	s.latency = append(s.latency, verdict.Millis(time.Since(start)))
	return err
}

func (l *benchLine) forget() {
	l.took = 0
	for _, s := range l.stations {
		s.latency = nil
	}
}

func (l *benchLine) latencies() (all []float64) {
	for _, s := range l.stations {
		all = append(all, s.latency...)
	}
	return all
}

func (l *benchLine) fps() float64 { return float64(len(l.latencies())) / l.took.Seconds() }

func (l *benchLine) shares() (all []float64) {
	total := float64(len(l.latencies()))
	for _, s := range l.stations {
		all = append(all, float64(len(s.latency))/total)
	}
	return all
}

func (l *benchLine) close() (err error) {
	for _, s := range l.stations {
		err = errors.Join(err, s.inspector.Close())
	}
	if l.model != nil {
		err = errors.Join(err, l.model.Close())
	}
	for _, p := range l.pictures {
		err = errors.Join(err, p.Close())
	}
	return err
}

func (t *together) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%d stations %6.2f frames/s together (%d lanes, %d threads in the pool), one alone %.2f (%d, %d): %.1f%% of it; shares %.1f%% to %.1f%%\n",
		t.Stations, t.FPS, t.Split.Lanes, t.Split.Threads, t.SingleFPS, t.SingleSplit.Lanes, t.SingleSplit.Threads,
		100*t.OfSingle, 100*slices.Min(t.Shares), 100*slices.Max(t.Shares))
	return err
}
