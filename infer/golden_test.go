package infer_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"faird/fair/golden"
	"faird/infer"
	"faird/model"
)

// TestGoldenNetwork lives here rather than in model, which runs no network.
func TestGoldenNetwork(t *testing.T) {
	set := golden.Full(t)
	f, err := model.Read(set.Path("unet_c8.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Plain || f.Width != 256 || f.Height != 256 || f.Channels != 1 {
		t.Errorf("read as %+v", f.Spec)
	}
	want := set.Array(t, "unet_c8_infer_out", 1, 3, 256, 256)
	s := openSession(t, f, cpu(), zerolog.Nop())
	for _, batch := range []int{1, 2} {
		r := newRunner(t, s, batch)
		picture := len(r.Input()) / batch
		for i := range batch {
			copy(r.Input()[i*picture:], set.Array(t, "image0_bhpf2_d30", 256, 256))
		}
		if err := r.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if d := largest(r.Output()[i*3*picture:][:3*picture], want); d > 1e-4 {
				t.Errorf("batch %d, picture %d: differs by %g, at most 1e-4 is asked for", batch, i, d)
			}
		}
	}
}

func largest(got, want []float32) float64 {
	d := 0.0
	for i := range want {
		d = max(d, math.Abs(float64(got[i]-want[i])))
	}
	return d
}

// The bare network: what inspection's rate is compared with.
func BenchmarkNetwork(b *testing.B) {
	for name, path := range map[string]string{
		"c8_256":  filepath.Join(golden.Shared(b, "FAIRD_GOLDEN", "golden"), "unet_c8.onnx"),
		"c16_128": filepath.Join(golden.Shared(b, "FAIRD_MODELS", "models"), "bottle_c16_128.onnx"),
	} {
		b.Run(name, func(b *testing.B) { benchmarkRun(b, path) })
	}
}

func benchmarkRun(b *testing.B, path string) {
	f, err := model.Read(path)
	if err != nil {
		b.Fatal(err)
	}
	r := newRunner(b, openSession(b, f, cpu(), zerolog.Nop()), 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Run(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRunOverhead is what a run costs beside the network's arithmetic.
func BenchmarkRunOverhead(b *testing.B) {
	g := openGraph(b, addition(b, 4), infer.GraphOptions{Threads: 1})
	in, out := []*infer.Tensor{newTensor(b, 4), newTensor(b, 4)}, []*infer.Tensor{newTensor(b, 4)}
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": cancellable} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := g.Run(ctx, in, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
