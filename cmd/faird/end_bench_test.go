package main

import (
	"context"
	"testing"
	"time"
)

// BenchmarkEndToEnd is verdicts a second through a whole daemon with the
// smallest network, store and broker too, of one station whose camera gives
// 1 megapixel faster than that: what it costs beside a network.
func BenchmarkEndToEnd(b *testing.B) {
	c := benchConfig(b)
	c.Stations = c.Stations[:1]
	c.Stations[0].Camera.URL = "file://" + benchFolder(b, benchSide) + "?loop=true&rate=1000"
	const warmUp = 20
	a := &arrivals{skip: warmUp, want: warmUp + b.N, enough: make(chan struct{})}
	var took time.Duration
	err := runDaemon(b.Context(), c, nil, hooks{observe: a.decide, live: a.arrive, ready: func(d *daemon, stop context.CancelFunc) {
		defer stop()
		began := time.Now()
		a.wait(b.Context(), d, time.Hour)
		took = time.Since(began)
	}})
	if err != nil {
		b.Fatal(err)
	}
	if len(a.latency) != b.N {
		b.Fatalf("%d verdicts of %d: %v", len(a.latency), b.N, a.why)
	}
	p := percentile(a.latency)
	b.ReportMetric(float64(took.Nanoseconds())/float64(a.want), "ns/op")
	b.ReportMetric(p.P50, "p50-ms")
	b.ReportMetric(p.P99, "p99-ms")
}
