package infer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/model"
)

// How long a split is measured: until both, or the second, are over.
const (
	tuneRuns = 4
	tuneFor  = 300 * time.Millisecond
	tuneMost = 5 * time.Second
)

// Tuner finds the split of the cores with which a network on the CPU does most
// for a number of stations, by measuring, once for each model and machine.
type Tuner struct {
	Path     string // file that keeps what was measured; "": nothing is kept
	Stations int    // that will judge at the same time
	Busy     bool   // stations judge already: nothing is measured now

	measure func(context.Context, *model.File, config.Infer) ([]Rate, error) // nil: measureSplits
}

// Find returns the split for a model. Where it can neither be remembered nor
// measured now it is one run at a time on every core, with the reason in the log.
func (t *Tuner) Find(ctx context.Context, f *model.File, c config.Infer, log zerolog.Logger) Split {
	cores := ProcessCores().Number()
	fallback := splitFor(0, cores)
	if cores == 1 {
		return fallback
	}
	lib, err := Load(c.Library)
	if err != nil {
		return fallback
	}
	key := tuningKey{Model: f.Hash, Processor: processor(), Cores: cores, Provider: string(CPU), Library: lib.Version, Operators: operatorsVersion}
	rates, err := recall(t.Path, key)
	if err != nil {
		log.Warn().Err(err).Msg("what was measured of threads is lost: it is measured again")
	}
	known := rates != nil
	if !known && t.Busy {
		log.Info().Str("model", f.Hash).Msg("the best split of the cores is not measured while stations judge: it is at the next start")
		return fallback
	}
	if !known {
		if rates, err = t.measured(ctx, f, c); err != nil {
			if ctx.Err() != nil { // nobody waits for the model any more
				return fallback
			}
			log.Warn().Err(err).Str("model", f.Hash).Msg("the best split of the cores could not be measured")
			return fallback
		}
		if err := remember(t.Path, key, rates); err != nil {
			log.Warn().Err(err).Msg("what was measured of threads is not kept: it is measured at the next start again")
		}
	}
	s := bestOf(rates, t.Stations)
	log.Info().Str("model", f.Hash).Int("cores", cores).Int("stations", t.Stations).Int("threads", s.Threads).Int("lanes", s.Lanes).
		Bool("remembered", known).Interface("rates", rates).Msg("the cores are split")
	return s
}

func (t *Tuner) measured(ctx context.Context, f *model.File, c config.Infer) ([]Rate, error) {
	if t.measure != nil {
		return t.measure(ctx, f, c)
	}
	return measureSplits(ctx, f, c)
}

// measureSplits has the cores to itself.
func measureSplits(ctx context.Context, f *model.File, c config.Infer) ([]Rate, error) {
	cores := ProcessCores()
	if err := cores.Take(ctx, cores.Number()); err != nil {
		return nil, err
	}
	defer cores.Give(cores.Number())
	var rates []Rate
	for _, s := range splits(cores.Number()) {
		r, err := measureSplit(ctx, f, c, s)
		if err != nil {
			return nil, fmt.Errorf("%d threads: %w", s.Threads, err)
		}
		rates = append(rates, r)
	}
	return rates, nil
}

// measureSplit opens the network with a split, and closes it.
func measureSplit(ctx context.Context, f *model.File, c config.Infer, split Split) (_ Rate, err error) {
	s := &Session{file: f, options: GraphOptions{Library: c.Library, Provider: CPU, Threads: split.Threads}, provider: CPU, onnx: f.Bytes(), log: zerolog.Nop(), graphs: map[int]*Graph{}}
	if err := s.useOperators(); err != nil {
		return Rate{}, err
	}
	batch := max(f.Batch, 1)
	g, err := s.load(batch, s.options)
	if err != nil {
		return Rate{}, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	runners := make([]*Runner, split.Lanes)
	for i := range runners {
		if runners[i], err = s.runner(g, batch); err != nil {
			return Rate{}, err
		}
		defer runners[i].Close()
		if err := runners[i].compute(ctx); err != nil { // warm
			return Rate{}, err
		}
	}
	r := Rate{Split: split}
	if r.Alone, err = throughput(ctx, runners[:1]); err != nil || split.Lanes == 1 {
		r.Full = r.Alone
		return r, err
	}
	r.Full, err = throughput(ctx, runners)
	return r, err
}

// throughput is runs a second of all runners, each on a thread of its own.
func throughput(ctx context.Context, runners []*Runner) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, tuneMost+time.Minute)
	defer cancel()
	var runs atomic.Int64
	failed := make([]error, len(runners))
	start := time.Now()
	var working sync.WaitGroup
	for i, r := range runners {
		working.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for n := 0; n < tuneRuns || time.Since(start) < tuneFor; n++ {
				if n > 0 && time.Since(start) > tuneMost {
					return
				}
				if failed[i] = r.compute(ctx); failed[i] != nil {
					return
				}
				runs.Add(1)
			}
		})
	}
	working.Wait()
	return float64(runs.Load()) / time.Since(start).Seconds(), errors.Join(failed...)
}
