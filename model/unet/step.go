package unet

import (
	"fmt"

	"faird/model/graph"
)

// Inputs and outputs of the training graph. What ends in Next is the state to
// hand in again at the next step.
const (
	InPicture    = "highpass"   // [n, channels, h, w]
	InTarget     = "target"     // [n, 3, h, w]
	InParameters = "parameters" // flat, as Network.Parameters
	InMoment1    = "moment1"
	InMoment2    = "moment2"
	InStatistics = "statistics" // flat, as Network.Statistics
	InSize       = "size"       // [1], AdamFactors
	InRoot       = "root"       // [1], AdamFactors

	OutLoss     = "loss" // [3]: MSE + 1 - SSIM, MSE, SSIM, all before the step
	OutRestored = "restored"
	OutGradient = "gradient" // flat, as Network.Parameters
	Next        = "_next"
)

// Step is one training step as a graph: forward, objective, gradients, batch
// statistics and Adam, for batches of one size.
type Step struct {
	Network
	Batch, Height, Width int
	Native               bool // convolutions and norms by faird's own operators, on the CPU
	Inspect              bool // also give OutRestored and OutGradient
}

// Build writes the graph.
func (s Step) Build() ([]byte, error) {
	if err := s.Network.Check(s.Height, s.Width); err != nil {
		return nil, fmt.Errorf("training step: %w", err)
	}
	if s.Batch < 1 {
		return nil, fmt.Errorf("training step: batch of %d", s.Batch)
	}
	g := graph.New("faird-training-step")
	g.Scope("in")
	x := g.Input(InPicture, s.Batch, s.Channels, s.Height, s.Width)
	target := g.Input(InTarget, s.Batch, colours, s.Height, s.Width)
	t := newTrainer(g, s.Network, s.kind(), x)

	restored, backAll := s.Network.walk(t, x)
	g.Scope("objective")
	mse, ssim, gradient := objective(g, restored, target)
	one := g.Const([]float32{1}, 1)
	loss := g.Sub(g.Add(g.Reshape(mse, 1), one), g.Reshape(ssim, 1))
	backAll(gradient)
	s.outputs(t, g.Concat(0, loss, g.Reshape(mse, 1), g.Reshape(ssim, 1)), restored)
	return g.Build()
}

// kind is by which operators the layers are computed that there are two of.
type kind struct {
	conv convolution
	norm normalisation
}

func (s Step) kind() kind {
	if s.Native {
		return kind{native, nativeNormRelu}
	}
	return kind{conv, normRelu}
}

func (s Step) outputs(t *trainer, loss, restored graph.Value) {
	g := t.g
	g.Scope("adam")
	flat := t.flatGradient()
	m, v := g.Input(InMoment1, flat.Elements()), g.Input(InMoment2, flat.Elements())
	size, root := g.Input(InSize, 1), g.Input(InRoot, 1)
	p, m, v := adam(g, t.flat, m, v, flat, size, root)

	g.Output(OutLoss, loss)
	g.Output(InParameters+Next, p)
	g.Output(InMoment1+Next, m)
	g.Output(InMoment2+Next, v)
	g.Output(InStatistics+Next, t.flatStatistics())
	if s.Inspect {
		g.Output(OutRestored, restored)
		g.Output(OutGradient, flat)
	}
}
