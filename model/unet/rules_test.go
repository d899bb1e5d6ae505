package unet_test

import (
	"math"
	"slices"
	"testing"

	"faird/model/graph"
	"faird/model/unet"
)

// rule is one backward rule alone: a graph of inputs, the gradient "dy" of the
// result, the result and the gradients of the inputs.
type rule struct {
	name   string
	inputs [][]int
	build  func(g *graph.Graph, in []graph.Value, dy func(shape ...int) graph.Value) (y graph.Value, grads []graph.Value)
	step   float64 // of the finite difference; 0 is 1e-2
}

func one(f func(g *graph.Graph, x, dy graph.Value) (graph.Value, graph.Value), shape ...int) func(*graph.Graph, []graph.Value, func(...int) graph.Value) (graph.Value, []graph.Value) {
	return func(g *graph.Graph, in []graph.Value, dy func(...int) graph.Value) (graph.Value, []graph.Value) {
		y, dx := f(g, in[0], dy(shape...))
		return y, []graph.Value{dx}
	}
}

func convRule(shape ...int) func(*graph.Graph, []graph.Value, func(...int) graph.Value) (graph.Value, []graph.Value) {
	return func(g *graph.Graph, in []graph.Value, dy func(...int) graph.Value) (graph.Value, []graph.Value) {
		y, dx, dw := unet.ConvRule(g, in[0], in[1], dy(shape...))
		return y, []graph.Value{dx, dw}
	}
}

func nativeRule(shape ...int) func(*graph.Graph, []graph.Value, func(...int) graph.Value) (graph.Value, []graph.Value) {
	return func(g *graph.Graph, in []graph.Value, dy func(...int) graph.Value) (graph.Value, []graph.Value) {
		y, dx, dw := unet.NativeRule(g, in[0], in[1], dy(shape...))
		return y, []graph.Value{dx, dw}
	}
}

func normRule(g *graph.Graph, in []graph.Value, dy func(...int) graph.Value) (graph.Value, []graph.Value) {
	y, dx, ds, db := unet.NormRule(g, in[0], in[1], in[2], dy(in[0].Shape()...))
	return y, []graph.Value{dx, ds, db}
}

func normReluRule(native bool) func(*graph.Graph, []graph.Value, func(...int) graph.Value) (graph.Value, []graph.Value) {
	return func(g *graph.Graph, in []graph.Value, dy func(...int) graph.Value) (graph.Value, []graph.Value) {
		y, dx, ds, db := unet.NormReluRule(native)(g, in[0], in[1], in[2], dy(in[0].Shape()...))
		return y, []graph.Value{dx, ds, db}
	}
}

var rules = []rule{
	{name: "conv", inputs: [][]int{{2, 3, 4, 6}, {5, 3, 3, 3}}, build: convRule(2, 5, 4, 6)},
	{name: "conv of one channel", inputs: [][]int{{2, 1, 4, 4}, {3, 1, 3, 3}}, build: convRule(2, 3, 4, 4)},
	{name: "conv of one pixel", inputs: [][]int{{3, 2, 1, 1}, {2, 2, 3, 3}}, build: convRule(3, 2, 1, 1)},
	{name: "native conv", inputs: [][]int{{2, 5, 6, 9}, {6, 5, 3, 3}}, build: nativeRule(2, 6, 6, 9)},
	{name: "native conv of few channels", inputs: [][]int{{2, 1, 4, 4}, {6, 1, 3, 3}}, build: nativeRule(2, 6, 4, 4)},
	{name: "native conv to few channels", inputs: [][]int{{1, 7, 5, 6}, {3, 7, 3, 3}}, build: nativeRule(1, 3, 5, 6)},
	{name: "native conv of one pixel", inputs: [][]int{{3, 5, 1, 1}, {5, 5, 3, 3}}, build: nativeRule(3, 5, 1, 1)},
	{name: "norm", inputs: [][]int{{3, 2, 4, 5}, {2}, {2}}, build: normRule, step: 1e-2},
	{name: "norm of one picture", inputs: [][]int{{1, 3, 3, 3}, {3}, {3}}, build: normRule, step: 1e-2},
	{name: "norm and ReLU", inputs: [][]int{{3, 2, 4, 5}, {2}, {2}}, build: normReluRule(false), step: 1e-3},
	{name: "native norm and ReLU", inputs: [][]int{{3, 2, 4, 5}, {2}, {2}}, build: normReluRule(true), step: 1e-3},
	{name: "native norm and ReLU of one picture", inputs: [][]int{{1, 3, 7, 9}, {3}, {3}}, build: normReluRule(true), step: 1e-3},
	{name: "relu", inputs: [][]int{{2, 2, 3, 3}}, build: one(unet.ReluRule, 2, 2, 3, 3), step: 1e-3},
	{name: "pool", inputs: [][]int{{2, 2, 4, 6}}, build: one(unet.PoolRule, 2, 2, 2, 3), step: 1e-3},
	{name: "double", inputs: [][]int{{2, 2, 3, 4}}, build: one(unet.DoubleRule, 2, 2, 6, 8)},
	{name: "double of one row", inputs: [][]int{{2, 2, 1, 4}}, build: one(unet.DoubleRule, 2, 2, 2, 8)},
	{name: "double of one pixel", inputs: [][]int{{2, 2, 1, 1}}, build: one(unet.DoubleRule, 2, 2, 2, 2)},
}

// program builds the rule's graph; y is not wanted back where the shape of dy
// is wrong, so that a wrong table shows.
func (r rule) program(t *testing.T) *program {
	t.Helper()
	g := graph.New(r.name)
	var in []graph.Value
	for i, s := range r.inputs {
		in = append(in, g.Input(letter(i), s...))
	}
	var want []int
	y, grads := r.build(g, in, func(shape ...int) graph.Value { want = shape; return g.Input("dy", shape...) })
	if !slices.Equal(y.Shape(), want) {
		t.Fatalf("the result is %v, dy %v", y.Shape(), want)
	}
	g.Output("y", y)
	for i, d := range grads {
		if !slices.Equal(d.Shape(), in[i].Shape()) {
			t.Fatalf("gradient %d is %v, its input %v", i, d.Shape(), in[i].Shape())
		}
		g.Output("d"+letter(i), d)
	}
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, onnx)
}

func letter(i int) string { return string(rune('a' + i)) }

// Every rule's gradients are the finite differences of sum(y * dy).
func TestRulesAgainstFiniteDifferences(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			p := r.program(t)
			for i := range r.inputs {
				copy(p.in[letter(i)].Data(), noise(uint64(i+1), len(p.in[letter(i)].Data())))
			}
			copy(p.in["dy"].Data(), noise(99, len(p.in["dy"].Data())))
			p.run()
			for i := range r.inputs {
				name := letter(i)
				got := slices.Clone(p.get("d" + name))
				want := differences(p, name, stepOr(r.step), func() float64 { return dot(p.get("y"), p.in["dy"].Data()) })
				if e := distance(got, want); e > 2e-3 {
					t.Errorf("gradient of %s is off by %.2g of its norm\n got %v\nwant %v", name, e, head(got), head(want))
				}
			}
		})
	}
}

func TestObjectiveAgainstFiniteDifferences(t *testing.T) {
	cases := []struct {
		name string
		x    func(i int) float32
	}{
		{"noise", func(i int) float32 { return noise(3, i+1)[i]*0.3 + 0.5 }},
		{"flat", func(int) float32 { return 0.4 }},
		{"stripes", func(i int) float32 { return float32(i % 2) }},
	}
	const n, h, w = 2, 6, 14
	g := graph.New("objective")
	y, dx := unet.ObjectiveRule(g, g.Input("x", n, 3, h, w), g.Input("target", n, 3, h, w))
	g.Output("y", y)
	g.Output("dx", dx)
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, onnx)
			for i := range p.in["x"].Data() {
				p.in["x"].Data()[i] = c.x(i)
				p.in["target"].Data()[i] = noise(5, i+1)[i]*0.1 + 0.5
			}
			p.run()
			got := slices.Clone(p.get("dx"))
			want := differences(p, "x", 3e-3, func() float64 { return float64(p.get("y")[0]) - float64(p.get("y")[1]) })
			if e := distance(got, want); e > 2e-2 {
				t.Errorf("gradient is off by %.2g of its norm\n got %v\nwant %v", e, head(got), head(want))
			}
		})
	}
}

// A single pixel of a tie has no derivative, but moving a whole flat region
// has: its pixels' gradients add up to that of the pooled pixel, in equal parts.
func TestPoolSharesTies(t *testing.T) {
	r := rules[slices.IndexFunc(rules, func(r rule) bool { return r.name == "pool" })]
	p := r.program(t) // [2, 2, 4, 6] to [2, 2, 2, 3]
	x, dy := p.in["a"].Data(), p.in["dy"].Data()
	copy(dy, noise(8, len(dy)))
	copy(x, noise(9, len(x)))
	set := func(y, x0 int, v ...float32) { // one window of the first channel
		x[y*6+x0], x[y*6+x0+1], x[(y+1)*6+x0], x[(y+1)*6+x0+1] = v[0], v[1], v[2], v[3]
	}
	set(0, 0, 7, 7, 7, 7)
	set(0, 2, 7, 1, 7, 0)
	set(2, 4, 0, 0, -1, 0)
	for i := 24; i < 48; i++ {
		x[i] = 0 // the second channel is flat
	}
	p.run()
	d := p.get("da")
	for _, c := range []struct {
		at   int // element of d
		want float32
	}{
		{0, dy[0] / 4},
		{1, dy[0] / 4},
		{6, dy[0] / 4},
		{7, dy[0] / 4},
		{2, dy[1] / 2},
		{3, 0},
		{8, dy[1] / 2},
		{9, 0},
		{16, dy[5] / 3},
		{17, dy[5] / 3},
		{22, 0},
		{23, dy[5] / 3},
		{24, dy[6] / 4},
		{47, dy[11] / 4},
	} {
		if math.Abs(float64(d[c.at]-c.want)) > 1e-6 {
			t.Errorf("gradient %d is %v, want %v", c.at, d[c.at], c.want)
		}
	}
	base, sum := dot(p.get("y"), dy), float64(d[0])+float64(d[1])+float64(d[6])+float64(d[7])
	for _, i := range []int{0, 1, 6, 7} {
		x[i] += 0.5
	}
	p.run()
	if moved := (dot(p.get("y"), dy) - base) / 0.5; math.Abs(moved-sum) > 1e-4 {
		t.Errorf("moving the flat window changes the result by %v a unit, its gradients add up to %v", moved, sum)
	}
}

// A flat channel has no variance: the norm and its gradients stay finite.
func TestNormOfFlatPictures(t *testing.T) {
	for _, name := range []string{"norm", "native norm and ReLU"} {
		t.Run(name, func(t *testing.T) { normOfFlatPictures(t, name) })
	}
}

func normOfFlatPictures(t *testing.T, of string) {
	p := rules[slices.IndexFunc(rules, func(r rule) bool { return r.name == of })].program(t)
	for i := range p.in["a"].Data() {
		p.in["a"].Data()[i] = 0.7
	}
	copy(p.in["b"].Data(), []float32{1, 2})
	copy(p.in["c"].Data(), []float32{3, 4})
	copy(p.in["dy"].Data(), noise(1, len(p.in["dy"].Data())))
	p.run()
	for i, v := range p.get("y") {
		if want := float64(3 + i/20%2); math.Abs(float64(v)-want) > 1e-2 {
			t.Fatalf("result %d is %v, want the bias %v", i, v, want)
		}
	}
	for _, name := range []string{"da", "db", "dc"} {
		for i, v := range p.get(name) {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				t.Fatalf("%s[%d] is %v", name, i, v)
			}
		}
	}
}

// differences are central differences of f over every element of an input.
func differences(p *program, input string, step float64, f func() float64) []float32 {
	x := p.in[input].Data()
	d := make([]float32, len(x))
	for i, old := range x {
		up, down := old+float32(step), old-float32(step)
		x[i] = up
		p.run()
		above := f()
		x[i] = down
		p.run()
		d[i] = float32((above - f()) / float64(up-down))
		x[i] = old
	}
	p.run()
	return d
}

func dot(a, b []float32) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

func stepOr(s float64) float64 {
	if s == 0 {
		return 1e-2
	}
	return s
}

func head(v []float32) []float32 { return v[:min(len(v), 12)] }
