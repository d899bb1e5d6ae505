package unet

import (
	"math/rand/v2"
	"strings"
)

// spread is the standard deviation of initial weights, as in the paper's code.
const spread = 0.02

// Initial draws the weights to start training from: convolutions N(0, 0.02),
// scales of the norms N(1, 0.02), biases zero, running mean 0 and variance 1.
// The same seed gives the same weights on every machine.
func (n Network) Initial(seed uint64) Weights {
	r := rand.New(rand.NewPCG(seed, 0x756e6574)) // "unet": a stream of its own
	parameters, statistics := n.Parameters(), n.Statistics()
	w := Weights{
		Parameters: make([]float32, Length(parameters)),
		Statistics: make([]float32, Length(statistics)),
	}
	for _, p := range parameters {
		if strings.HasSuffix(p.Name, ".bias") {
			continue
		}
		var centre float64
		if len(p.Shape) == 1 {
			centre = 1
		}
		for i := range p.Of(w.Parameters) {
			p.Of(w.Parameters)[i] = float32(centre + spread*r.NormFloat64())
		}
	}
	for _, p := range statistics {
		if strings.HasSuffix(p.Name, ".running_var") {
			for i := range p.Of(w.Statistics) {
				p.Of(w.Statistics)[i] = 1
			}
		}
	}
	return w
}
