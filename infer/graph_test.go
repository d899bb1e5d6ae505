package infer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faird/infer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openGraph(t testing.TB, onnx []byte, o infer.GraphOptions) *infer.Graph {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	g, err := infer.OpenGraph(onnx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

func newTensor(t testing.TB, shape ...int64) *infer.Tensor {
	t.Helper()
	x, err := infer.NewTensor(shape...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func TestGraphSwapsStateTensors(t *testing.T) {
	g := openGraph(t, addition(t, 5), infer.GraphOptions{NoMemoryPattern: true, Optimisation: infer.OptimiseExtended, Threads: 1})
	if strings.Join(g.Inputs(), " ") != "x y" || strings.Join(g.Outputs(), " ") != "z" {
		t.Fatalf("inputs %v, outputs %v", g.Inputs(), g.Outputs())
	}
	old, step, next := newTensor(t, 5), newTensor(t, 5), newTensor(t, 5)
	for i := range step.Data() {
		step.Data()[i] = float32(i)
	}
	for range 10 { // state += step, the two state tensors swapped each time
		if err := g.Run(context.Background(), []*infer.Tensor{old, step}, []*infer.Tensor{next}); err != nil {
			t.Fatal(err)
		}
		old, next = next, old
	}
	for i, v := range old.Data() {
		if v != float32(10*i) {
			t.Fatalf("element %d is %v, want %d", i, v, 10*i)
		}
	}
}

func TestGraphRefuses(t *testing.T) {
	g := openGraph(t, addition(t, 5), infer.GraphOptions{})
	five, six, closed := newTensor(t, 5), newTensor(t, 6), newTensor(t, 5)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		in, out []*infer.Tensor
		want    string
	}{
		{"too few inputs", []*infer.Tensor{five}, []*infer.Tensor{five}, "2 inputs and 1 outputs"},
		{"a closed tensor", []*infer.Tensor{five, closed}, []*infer.Tensor{five}, "input y is a closed tensor"},
		{"no tensor", []*infer.Tensor{five, five}, []*infer.Tensor{nil}, "output z is a closed tensor"},
		{"a wrong shape", []*infer.Tensor{five, six}, []*infer.Tensor{five}, "y"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := g.Run(context.Background(), c.in, c.out)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
}

func TestOpenGraphRefuses(t *testing.T) {
	openGraph(t, addition(t, 1), infer.GraphOptions{})
	for _, onnx := range [][]byte{nil, []byte("not onnx"), encode(t, nil), addition(t, 5)[:40]} {
		if g, err := infer.OpenGraph(onnx, infer.GraphOptions{}); err == nil {
			_ = g.Close()
			t.Errorf("%q was opened", onnx)
		}
	}
	for _, shape := range [][]int64{{}, {0}, {2, -1}, {1 << 40, 1 << 40}} {
		if x, err := infer.NewTensor(shape...); err == nil {
			_ = x.Close()
			t.Errorf("a tensor of shape %v was made", shape)
		}
	}
}

func TestGraphRunEndsWithItsContext(t *testing.T) {
	// 24 convolutions of 64 channels at 512x512: seconds, if not broken off.
	g := openGraph(t, network(t, 512, 64, 24, 1e-3), infer.GraphOptions{})
	in, out := newTensor(t, 1, 1, 512, 512), newTensor(t, 1, 3, 512, 512)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := g.Run(ctx, []*infer.Tensor{in}, []*infer.Tensor{out})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if err := g.Run(ctx, []*infer.Tensor{in}, []*infer.Tensor{out}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestGraphWorksAfterABrokenRun(t *testing.T) {
	g := openGraph(t, network(t, 256, 16, 12, 1e-3), infer.GraphOptions{})
	in, out := newTensor(t, 1, 1, 256, 256), newTensor(t, 1, 3, 256, 256)
	stopped := 0
	for i := range 10 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i+1)*200*time.Microsecond)
		if err := g.Run(ctx, []*infer.Tensor{in}, []*infer.Tensor{out}); err != nil {
			stopped++
		}
		cancel()
		if err := g.Run(context.Background(), []*infer.Tensor{in}, []*infer.Tensor{out}); err != nil {
			t.Fatalf("run after a broken one: %v", err)
		}
	}
	if stopped == 0 {
		t.Error("no run was broken off")
	}
}

func TestGraphCloseWaitsForRuns(t *testing.T) {
	g := openGraph(t, network(t, 256, 16, 12, 1e-3), infer.GraphOptions{})
	in, out := newTensor(t, 1, 1, 256, 256), newTensor(t, 1, 3, 256, 256)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for g.Run(ctx, []*infer.Tensor{in}, []*infer.Tensor{out}) == nil {
		}
	})
	time.Sleep(5 * time.Millisecond)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := g.Run(ctx, []*infer.Tensor{in}, []*infer.Tensor{out}); err == nil {
		t.Error("a closed graph ran")
	}
	if err := g.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
