package operators_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"faird/infer"
	"faird/infer/operators"
	"faird/model/graph"
)

// shape is one convolution: n pictures of in channels, h x w pixels, to out.
type shape struct{ n, in, out, h, w int }

func (s shape) String() string { return fmt.Sprintf("%dx%d-%d-%dx%d", s.n, s.in, s.out, s.h, s.w) }

// Sizes that fill panels and tiles and such that do not, channels that fill groups
// and such that do not, on both sides of where the definition is followed; many
// strips and few.
var shapes = []shape{
	{1, 32, 32, 64, 64},
	{2, 16, 48, 128, 128},
	{2, 5, 7, 13, 9},
	{1, 17, 33, 20, 70},
	{3, 40, 8, 1, 1},
	{1, 64, 64, 3, 2},
	{2, 8, 8, 4, 64},
	{1, 24, 24, 65, 67},
	{1, 1, 32, 40, 48},
	{2, 2, 9, 7, 33},
	{1, 32, 3, 48, 40},
	{1, 130, 140, 8, 8},
}

// kinds of processors; the machine has some of them.
var kinds = map[string]int{"avx512": 1, "avx2": 2, "any": 3}

// onKinds runs a test as each kind of processor that this one can be.
func onKinds(t *testing.T, f func(t *testing.T)) {
	t.Cleanup(func() { operators.Use(0) })
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			if !operators.Use(kind) {
				t.Skip("this processor has not got it")
			}
			f(t)
		})
	}
}

func TestConv3x3(t *testing.T) {
	onKinds(t, func(t *testing.T) {
		for _, s := range shapes {
			t.Run(s.String(), func(t *testing.T) {
				x, w, dy := noise(1, s.n*s.in*s.h*s.w), noise(2, s.out*s.in*9), noise(3, s.n*s.out*s.h*s.w)
				got := run(t, s, 2, x, w, dy)
				compare(t, "result", got[0], convolved(s, x, w))
				compare(t, "gradient of the input", got[1], inputGradient(s, dy, w))
				compare(t, "gradient of the weights", got[2], weightGradient(s, x, dy))
			})
		}
	})
}

// The same numbers come out whatever the number of threads.
func TestThreadsChangeNothing(t *testing.T) {
	for _, s := range shapes {
		x, w, dy := noise(4, s.n*s.in*s.h*s.w), noise(5, s.out*s.in*9), noise(6, s.n*s.out*s.h*s.w)
		one, two := run(t, s, 1, x, w, dy), run(t, s, 2, x, w, dy)
		for i := range one {
			if !slices.Equal(one[i], two[i]) {
				t.Errorf("%s: result %d differs", s, i)
			}
		}
	}
}

// What is no number stays none, so that a network gone wrong is found.
func TestNotANumber(t *testing.T) {
	onKinds(t, func(t *testing.T) {
		s := shape{1, 8, 8, 8, 8}
		x := noise(7, s.in*s.h*s.w)
		x[5] = float32(math.NaN())
		got := run(t, s, 2, x, noise(8, s.out*s.in*9), noise(9, s.out*s.h*s.w))
		for _, i := range []int{0, 2} {
			if !slices.ContainsFunc(got[i], func(v float32) bool { return v != v }) {
				t.Errorf("result %d hides it", i)
			}
		}
	})
}

func TestWrongShapes(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(g *graph.Graph) graph.Value
		want string
	}{
		{"weights", func(g *graph.Graph) graph.Value { return g.Conv3x3(g.Input("x", 1, 3, 8, 8), g.Input("w", 5, 4, 3, 3)) }, "Conv3x3: input"},
		{"kernel", func(g *graph.Graph) graph.Value { return g.Conv3x3(g.Input("x", 1, 3, 8, 8), g.Input("w", 5, 3, 5, 5)) }, "Conv3x3: input"},
		{"gradient", func(g *graph.Graph) graph.Value {
			return g.Conv3x3Weights(g.Input("x", 1, 3, 8, 8), g.Input("dy", 1, 5, 8, 6))
		}, "Conv3x3Weights: input"},
	} {
		g := graph.New(c.name)
		g.Output("y", c.make(g))
		if _, err := g.Build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Shapes that are known only when the graph runs are looked at then.
func TestWrongShapesAtRunTime(t *testing.T) {
	g := graph.New("free")
	x, dy := g.Input("x", graph.Free, 8, 4, 4), g.Input("dy", graph.Free, 8, 4, 4)
	g.Output("dw", g.Conv3x3Weights(x, dy))
	_, outputs, opened := open(t, g, 1, nil, [][]int{{8, 8, 3, 3}})
	err := opened.Run(context.Background(), []*infer.Tensor{tensor(t, []int{2, 8, 4, 4}), tensor(t, []int{1, 8, 4, 4})}, outputs)
	if err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("two pictures and one gradient: %v", err)
	}
}

// run gives the convolution, its input's gradient and its weights' gradient.
func run(t testing.TB, s shape, threads int, x, w, dy []float32) [][]float32 {
	t.Helper()
	g := graph.New("operators")
	px, pw, pdy := g.Input("x", s.n, s.in, s.h, s.w), g.Input("w", s.out, s.in, 3, 3), g.Input("dy", s.n, s.out, s.h, s.w)
	g.Output("y", g.Conv3x3(px, pw))
	g.Output("dx", g.Conv3x3Turned(pdy, pw))
	g.Output("dw", g.Conv3x3Weights(px, pdy))
	inputs, outputs, g2 := open(t, g, threads, []graph.Value{px, pw, pdy}, [][]int{{s.n, s.out, s.h, s.w}, {s.n, s.in, s.h, s.w}, {s.out, s.in, 3, 3}})
	for i, data := range [][]float32{x, w, dy} {
		copy(inputs[i].Data(), data)
	}
	if err := g2.Run(context.Background(), inputs, outputs); err != nil {
		t.Fatal(err)
	}
	var all [][]float32
	for _, o := range outputs {
		all = append(all, slices.Clone(o.Data()))
	}
	return all
}

func open(t testing.TB, g *graph.Graph, threads int, in []graph.Value, out [][]int) (inputs, outputs []*infer.Tensor, opened *infer.Graph) {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	if opened, err = infer.OpenGraph(onnx, infer.GraphOptions{Threads: threads}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	for _, v := range in {
		inputs = append(inputs, tensor(t, v.Shape()))
	}
	for _, shape := range out {
		outputs = append(outputs, tensor(t, shape))
	}
	return inputs, outputs, opened
}

func tensor(t testing.TB, shape []int) *infer.Tensor {
	t.Helper()
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	x, err := infer.NewTensor(dims...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// each calls f for every product x[i] w[j] of y[k].
func (s shape) each(f func(i, j, k int)) {
	for n := range s.n {
		for o := range s.out {
			for y := range s.h {
				for x := range s.w {
					k := ((n*s.out+o)*s.h+y)*s.w + x
					for c := range s.in {
						for tap := range 9 {
							py, px := y+tap/3-1, x+tap%3-1
							if py < 0 || py >= s.h || px < 0 || px >= s.w {
								continue
							}
							f(((n*s.in+c)*s.h+py)*s.w+px, (o*s.in+c)*9+tap, k)
						}
					}
				}
			}
		}
	}
}

func convolved(s shape, x, w []float32) []float64 {
	y := make([]float64, s.n*s.out*s.h*s.w)
	s.each(func(i, j, k int) { y[k] += float64(x[i]) * float64(w[j]) })
	return y
}

func inputGradient(s shape, dy, w []float32) []float64 {
	dx := make([]float64, s.n*s.in*s.h*s.w)
	s.each(func(i, j, k int) { dx[i] += float64(dy[k]) * float64(w[j]) })
	return dx
}

func weightGradient(s shape, x, dy []float32) []float64 {
	dw := make([]float64, s.out*s.in*9)
	s.each(func(i, j, k int) { dw[j] += float64(dy[k]) * float64(x[i]) })
	return dw
}

// compare asks for 1e-5 of the root mean square on average, 1e-4 everywhere.
func compare(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	var norm, off, most float64
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		norm, off, most = norm+w*w, off+d*d, max(most, d)
	}
	rms := math.Sqrt(norm / float64(len(want)))
	if mean := math.Sqrt(off / float64(len(want))); !(mean < 1e-5*rms) || !(most < 1e-4*rms) {
		t.Errorf("%s is off by %.2g of its size on average, %.2g at most", what, mean/rms, most/rms)
	}
}

func noise(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	return data
}

// The convolutions of the network's levels, c=32 at 256x256, as each kind of
// processor that this one can be, and beside them ONNX Runtime's own.
func BenchmarkConv(b *testing.B) {
	ways := map[string]int{"onnxruntime": 0}
	maps.Copy(ways, kinds)
	for _, s := range []shape{{1, 1, 32, 256, 256}, {1, 32, 32, 256, 256}, {1, 64, 64, 128, 128}, {1, 128, 128, 64, 64}, {1, 256, 256, 32, 32}, {1, 32, 3, 256, 256}, {8, 16, 16, 128, 128}} {
		for _, way := range slices.Sorted(maps.Keys(ways)) {
			b.Run(s.String()+"/"+way, func(b *testing.B) {
				if !operators.Use(ways[way]) {
					b.Skip("this processor has not got it")
				}
				defer operators.Use(0)
				benchmarkConv(b, s, way != "onnxruntime")
			})
		}
	}
}

func benchmarkConv(b *testing.B, s shape, own bool) {
	g := graph.New("bench")
	x, w := g.Input("x", s.n, s.in, s.h, s.w), g.Const(noise(1, s.out*s.in*9), s.out, s.in, 3, 3)
	if own {
		g.Output("y", g.Conv3x3(x, w))
	} else {
		g.Output("y", g.Conv(x, w, graph.Value{}, graph.Window{PadH: 1, PadW: 1}))
	}
	inputs, outputs, opened := open(b, g, 0, []graph.Value{x}, [][]int{{s.n, s.out, s.h, s.w}})
	copy(inputs[0].Data(), noise(2, s.n*s.in*s.h*s.w))
	for b.Loop() {
		if err := opened.Run(context.Background(), inputs, outputs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(2*9*s.n*s.in*s.out*s.h*s.w)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
