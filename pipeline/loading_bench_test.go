package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// BenchmarkTriggersWhileModelsLoad measures how long a station that is triggered
// up to twenty times a second takes for an answer, alone and while the demo's
// model is loaded beside it again and again.
//
//	go test ./pipeline -run '^$' -bench TriggersWhile -benchtime 200x
func BenchmarkTriggersWhileModelsLoad(b *testing.B) {
	for _, beside := range []string{"alone", "loading"} {
		b.Run(beside, func(b *testing.B) {
			out := &fakeOutlet{verdicts: make(chan *verdict.Verdict, 1000), repeats: make(chan *verdict.Verdict, 10)}
			box := NewBox(Deps{Log: zerolog.Nop(), Folder: b.TempDir(), Clock: func() verdict.Clock { return verdict.ClockUnknown }}, config.Infer{Provider: "cpu", Threads: 2}, nil)
			box.Connect(out)
			c := config.Default()
			s := station("cap", writeModel(b, filepath.Join(b.TempDir(), "m.onnx"), 0.5, 10), pictures(b, 3))
			s.Trigger.Mode, s.Trigger.Deadline = "mqtt", time.Minute
			c.Stations = []config.Station{s}
			if err := box.Apply(b.Context(), &c); err != nil {
				b.Fatal(err)
			}
			box.Settled(b.Context())
			ctx, cancel := context.WithCancel(b.Context())
			loaded := make(chan int, 1)
			go func() { loaded <- loadUntil(ctx, b, box, beside == "loading") }()
			answerTimes(b, box, out)
			cancel()
			b.ReportMetric(float64(<-loaded), "loads")
			box.Stop(context.Background())
			box.Close(context.Background())
		})
	}
}

// loadUntil loads the demo's model until ctx ends and says how often.
func loadUntil(ctx context.Context, b *testing.B, box *Box, load bool) (loads int) {
	f, err := ReadModel(config.DemoModel)
	if err != nil {
		b.Error(err)
	}
	for ; load && ctx.Err() == nil; loads++ {
		if m, err := box.models.open(ctx, f); err == nil {
			_ = m.Close()
		}
	}
	return loads
}

// answerTimes triggers the station and reports how long the answers took.
func answerTimes(b *testing.B, box *Box, out *fakeOutlet) {
	var took []time.Duration
	for n := range b.N {
		next := time.After(50 * time.Millisecond)
		asked := time.Now()
		box.Trigger("cap", publish.Trigger{ID: fmt.Sprint(n), Received: asked})
		<-out.verdicts
		took = append(took, time.Since(asked))
		<-next
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
