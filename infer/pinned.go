package infer

import (
	"errors"
	"fmt"
)

// cudaPinned is ONNX Runtime's name of memory that a GPU copies from and to
// itself, without a detour through a buffer of the driver's.
const cudaPinned = "CudaPinned"

// NewTensor makes a zeroed tensor for the graph's inputs and outputs: with a GPU
// in pinned memory, else as the function of that name does. It keeps the graph's
// session until it is closed.
func (g *Graph) NewTensor(shape ...int64) (*Tensor, error) {
	if g.pinned == "" {
		return NewTensor(shape...)
	}
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	data, free, err := g.allocate(g.pinned, n)
	if err != nil {
		return nil, fmt.Errorf("tensor %v in pinned memory: %w", shape, err)
	}
	return newTensor(shape, data, free)
}

// allocate takes n zeroed float32 of the session's named kind of memory. What it
// returns beside gives them and the session back.
func (g *Graph) allocate(kind string, n int) ([]float32, func() error, error) {
	if err := g.hold(); err != nil {
		return nil, nil, err
	}
	data, free, err := sessionFloats(g.raw, kind, g.device, n)
	if err != nil {
		return nil, nil, errors.Join(err, g.drop())
	}
	return data, func() error { return errors.Join(free(), g.drop()) }, nil
}
