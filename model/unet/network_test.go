package unet_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"faird/model/graph"
	"faird/model/unet"
)

func TestInitialWeights(t *testing.T) {
	n := unet.Network{Width: 16, Channels: 2}
	w := n.Initial(1)
	var conv, scale []float32
	for _, p := range n.Parameters() {
		switch v := p.Of(w.Parameters); {
		case strings.HasSuffix(p.Name, ".bias"):
			if slices.Max(v) != 0 || slices.Min(v) != 0 {
				t.Errorf("%s is %v, want zeros", p.Name, v)
			}
		case len(p.Shape) == 1:
			scale = append(scale, v...)
		default:
			conv = append(conv, v...)
		}
	}
	for _, c := range []struct {
		name         string
		v            []float32
		mean, spread float64
	}{{"convolutions", conv, 0, 0.02}, {"scales", scale, 1, 0.02}} {
		mean, spread := moments(c.v)
		if math.Abs(mean-c.mean) > 2e-3 || math.Abs(spread-c.spread) > 2e-3 {
			t.Errorf("%s: mean %.4f, standard deviation %.4f", c.name, mean, spread)
		}
	}
	if !slices.Equal(w.Parameters, n.Initial(1).Parameters) || slices.Equal(w.Parameters, n.Initial(2).Parameters) {
		t.Error("weights do not follow the seed")
	}
}

func moments(v []float32) (mean, spread float64) {
	for _, x := range v {
		mean += float64(x) / float64(len(v))
	}
	for _, x := range v {
		spread += (float64(x) - mean) * (float64(x) - mean) / float64(len(v))
	}
	return mean, math.Sqrt(spread)
}

// Networks of every kind train: the loss falls and stays a number.
func TestTrainingLowersTheLoss(t *testing.T) {
	for _, c := range []unet.Step{
		{Network: unet.Network{Width: 8, Channels: 1}, Batch: 1, Height: 16, Width: 16},
		{Network: unet.Network{Width: 8, Channels: 2}, Batch: 3, Height: 32, Width: 48},
		{Network: unet.Network{Width: 12, Channels: 1}, Batch: 2, Height: 48, Width: 16},
		{Network: unet.Network{Width: 8, Channels: 1}, Batch: 1, Height: 16, Width: 16, Native: true},
		{Network: unet.Network{Width: 12, Channels: 2}, Batch: 2, Height: 48, Width: 16, Native: true},
	} {
		onnx, err := c.Build()
		if err != nil {
			t.Fatal(err)
		}
		p, w := compile(t, onnx), c.Network.Initial(1)
		p.set(unet.InParameters, w.Parameters)
		p.set(unet.InStatistics, w.Statistics)
		copy(p.in[unet.InPicture].Data(), noise(2, len(p.in[unet.InPicture].Data())))
		for i := range p.in[unet.InTarget].Data() {
			p.in[unet.InTarget].Data()[i] = float32(i%c.Width) / float32(c.Width)
		}
		var losses []float32
		for step := 1; step <= 12; step++ {
			p.step(step)
			p.advance()
			losses = append(losses, p.get(unet.OutLoss)[0])
		}
		last := losses[len(losses)-1]
		if !(last < 0.9*losses[0]) {
			t.Errorf("%+v: losses %v do not fall", c, losses)
		}
	}
}

// A flat batch has no variance anywhere; nothing may become NaN.
func TestTrainingOnFlatPictures(t *testing.T) {
	c := unet.Step{Network: unet.Network{Width: 8, Channels: 1}, Batch: 2, Height: 16, Width: 32, Inspect: true}
	onnx, err := c.Build()
	if err != nil {
		t.Fatal(err)
	}
	p, w := compile(t, onnx), c.Network.Initial(1)
	p.set(unet.InParameters, w.Parameters)
	p.set(unet.InStatistics, w.Statistics)
	p.step(1)
	for _, name := range []string{unet.OutLoss, unet.OutGradient, unet.InParameters + unet.Next, unet.InStatistics + unet.Next} {
		for i, v := range p.get(name) {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				t.Fatalf("%s[%d] is %v", name, i, v)
			}
		}
	}
}

func TestRunningStatistics(t *testing.T) {
	g := graph.New("running")
	x := g.Input("x", 2, 1, 2, 2)
	mean, variance := unet.Running(g, x, g.Const([]float32{10}, 1), g.Const([]float32{20}, 1))
	g.Output("mean", mean)
	g.Output("variance", variance)
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	p := compile(t, onnx)
	p.set("x", []float32{1, 2, 3, 4, 5, 6, 7, 8}) // mean 4.5, variance 6 of 8 samples, unbiased
	p.run()
	if m, v := p.get("mean")[0], p.get("variance")[0]; math.Abs(float64(m)-9.45) > 1e-5 || math.Abs(float64(v)-18.6) > 1e-5 {
		t.Errorf("running mean %v and variance %v, want 9.45 and 18.6", m, v)
	}
}

// The network for restoring takes any batch, of 1 and 2 channels and any sides.
func TestInferenceOfAnyShape(t *testing.T) {
	for _, c := range []struct {
		unet.Network
		h, w int
	}{
		{unet.Network{Width: 8, Channels: 1}, 16, 16},
		{unet.Network{Width: 9, Channels: 2}, 32, 80},
	} {
		onnx, err := c.Inference(c.Network.Initial(1), c.h, c.w)
		if err != nil {
			t.Fatal(err)
		}
		picture := noise(4, c.Channels*c.h*c.w)
		single := compile(t, onnx)
		single.set(unet.InPicture, picture)
		single.run()
		pair := compileBatch(t, onnx, 2)
		copy(pair.in[unet.InPicture].Data()[len(picture):], picture)
		pair.run()
		if e := largest(pair.get(unet.OutRestored)[3*c.h*c.w:], single.get(unet.OutRestored)); e > 1e-5 {
			t.Errorf("%+v: a picture restored in a batch differs by %v", c, e)
		}
	}
}

func TestWidestNetworkIsWritten(t *testing.T) {
	wide := unet.Step{Network: unet.Network{Width: 128, Channels: 2}, Batch: 3, Height: 96, Width: 16}
	onnx, err := wide.Build()
	if err != nil {
		t.Fatal(err)
	}
	// The parameters are inputs: the graph stays small whatever the width.
	if len(onnx) > 2<<20 {
		t.Errorf("the training graph of width 128 has %d bytes", len(onnx))
	}
	if n := unet.Length(wide.Parameters()); n < 60e6 || n > 80e6 {
		t.Errorf("a network of width 128 has %d parameters, about 69 million are expected", n)
	}
}

func TestRefusedNetworks(t *testing.T) {
	ok := unet.Network{Width: 8, Channels: 1}
	for _, c := range []struct {
		step unet.Step
		want string
	}{
		{unet.Step{Network: unet.Network{Width: 7, Channels: 1}, Batch: 1, Height: 16, Width: 16}, "width 7"},
		{unet.Step{Network: unet.Network{Width: 129, Channels: 1}, Batch: 1, Height: 16, Width: 16}, "width 129"},
		{unet.Step{Network: unet.Network{Width: 8, Channels: 3}, Batch: 1, Height: 16, Width: 16}, "3 input channels"},
		{unet.Step{Network: ok, Batch: 1, Height: 24, Width: 16}, "16x24"},
		{unet.Step{Network: ok, Batch: 1, Height: 0, Width: 16}, "must divide"},
		{unet.Step{Network: ok, Batch: 0, Height: 16, Width: 16}, "batch of 0"},
	} {
		if _, err := c.step.Build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want something with %q", c.step, err, c.want)
		}
	}
	if _, err := ok.Inference(unet.Weights{}, 16, 16); err == nil {
		t.Error("a network without weights was written")
	}
}
