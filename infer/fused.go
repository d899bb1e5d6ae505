package infer

import (
	"fmt"

	"faird/model/fused"
)

// fuse puts filter and score around the network where the config wants it (on,
// off, auto) and the provider gains by it: a device does it all in one run, and
// the CPU's own kernels are faster than a graph.
func (s *Session) fuse(wish string) error {
	if wish == "off" || wish != "on" && !s.provider.accelerated() {
		return nil
	}
	onnx, err := fused.Build(s.file)
	if err != nil && wish == "on" {
		return fmt.Errorf("infer.fused: on: %w", err)
	}
	if err != nil {
		s.log.Warn().Err(err).Msg("filter and score stay beside the network")
		return nil
	}
	s.onnx, s.fused = onnx, true
	if s.options.engineKey != "" {
		s.options.engineKey += "-fused"
	}
	return nil
}

// channels are those of the graph's inputs and outputs, in fused.Build's order.
func (s *Session) channels() (in, out []int64) {
	if s.fused {
		return []int64{3, 1}, []int64{3, 1, 1, 1}
	}
	return []int64{int64(s.file.Channels)}, []int64{3}
}

// Fused says whether the runner's graph is the whole method: from pictures to
// their maps. Else it is the network alone, and what follows is not to be called.
func (r *Runner) Fused() bool { return len(r.inputs) > 1 }

// Keep is [n,1,h,w], 0 where the map is ignored, else 1; written between runs.
func (r *Runner) Keep() []float32 { return r.inputs[1].Data() }

// Gradient is the maps of eq. 8, Colour those of eq. 9, and Map those of eq. 10, or
// Lightness in their place where the model's score is normalised; [n,1,h,w] each,
// valid until the next Run.
func (r *Runner) Gradient() []float32 { return r.outputs[1].Data() }

// Colour: see Gradient.
func (r *Runner) Colour() []float32 { return r.outputs[2].Data() }

// Lightness: see Gradient.
func (r *Runner) Lightness() []float32 { return r.outputs[3].Data() }

// Map: see Gradient.
func (r *Runner) Map() []float32 { return r.outputs[3].Data() }
