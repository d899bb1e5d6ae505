package store

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

// BenchmarkCommit has 1, 8 and 64 stations commit at once.
func BenchmarkCommit(b *testing.B) {
	for _, stations := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("stations=", stations), func(b *testing.B) {
			s := open(b, config.Store{Path: b.TempDir()})
			var n atomic.Uint64
			b.SetParallelism(stations)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					commit(b, s, newVerdict("cap", n.Add(1), verdict.Pass))
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verdicts/s")
		})
	}
}

// BenchmarkCommitWhileDraining is what a station waits while an outbox is emptied.
func BenchmarkCommitWhileDraining(b *testing.B) {
	s := open(b, config.Store{Path: b.TempDir()})
	var keys []int64
	for i := range uint64(5000) {
		keys = append(keys, commit(b, s, newVerdict("old", i+1, verdict.Pass)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for chunk := range slices.Chunk(keys, 64) {
			if ctx.Err() != nil {
				return
			}
			s.Delivered(ctx, chunk) //nolint:errcheck // ends with ctx
			time.Sleep(20 * time.Millisecond)
		}
	}()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		commit(b, s, newVerdict("cap", uint64(i+1), verdict.Pass))
		took = append(took, time.Since(began))
	}
	cancel()
	<-drained
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
