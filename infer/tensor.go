package infer

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// Tensor is a float32 tensor in C memory, so that the runtime reads and writes
// it in place. It may be an input of one run and an output of the next, never
// both of one.
type Tensor struct {
	shape []int64
	data  []float32
	free  func() error // of data
	value *ort.Tensor[float32]
	ptr   unsafe.Pointer // OrtValue*
}

// NewTensor makes a zeroed tensor of the given shape: one dimension or more,
// each at least one. The library must be loaded (Load, OpenGraph or Open).
func NewTensor(shape ...int64) (*Tensor, error) {
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	data, err := floats(n)
	if err != nil {
		return nil, fmt.Errorf("tensor %v: %w", shape, err)
	}
	return newTensor(shape, data, func() error { freeFloats(data); return nil })
}

// elements checks a shape and counts.
func elements(shape []int64) (int, error) {
	if len(shape) == 0 {
		return 0, fmt.Errorf("a tensor needs a dimension; give a scalar the shape [1]")
	}
	n := int64(1)
	for _, d := range shape {
		if d < 1 || n > maxElements/d {
			return 0, fmt.Errorf("a tensor cannot have the shape %v", shape)
		}
		n *= d
	}
	return int(n), nil
}

// newTensor wraps data, which free gives back when the tensor is closed.
func newTensor(shape []int64, data []float32, free func() error) (*Tensor, error) {
	t := &Tensor{shape: slices.Clone(shape), data: data, free: free}
	if err := t.wrap(); err != nil {
		return nil, errors.Join(fmt.Errorf("tensor %v: %w", shape, err), t.Close())
	}
	return t, nil
}

const maxElements = int64(1) << 33 // 32 GiB of float32

func (t *Tensor) wrap() (err error) {
	if t.value, err = ort.NewTensor(ort.NewShape(t.shape...), t.data); err != nil {
		return err
	}
	t.ptr, err = handle(t.value, "ortValue")
	return err
}

// Data is the tensor's content in C order; it stays valid until Close.
func (t *Tensor) Data() []float32 { return t.data }

// Shape is the tensor's shape; not to be written.
func (t *Tensor) Shape() []int64 { return t.shape }

// Close frees the memory. No run may be using it.
func (t *Tensor) Close() error {
	if t.data == nil {
		return nil
	}
	var err error
	if t.value != nil {
		err = t.value.Destroy()
	}
	err = errors.Join(err, t.free())
	t.data, t.value, t.ptr = nil, nil, nil
	return err
}
