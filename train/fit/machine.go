package fit

import (
	"context"
	"errors"
	"fmt"

	"faird/infer"
	"faird/model/unet"
)

// machine is the training graph with its tensors. The state has two sets: one
// read, one written by a step, swapped after it; a step broken off half way
// leaves the set that is read whole.
type machine struct {
	graph   *infer.Graph
	inputs  map[string]*infer.Tensor
	outputs map[string]*infer.Tensor
	in, out []*infer.Tensor // in the graph's order
}

// held are the inputs whose next value the graph gives.
var held = []string{unet.InParameters, unet.InMoment1, unet.InMoment2, unet.InStatistics}

func newMachine(o Options) (*machine, error) {
	native := o.Graph.Provider == "" || o.Graph.Provider == infer.CPU
	onnx, err := unet.Step{Network: o.Network, Batch: o.Batch, Height: o.Height, Width: o.Width, Native: native}.Build()
	if err != nil {
		return nil, err
	}
	g := o.Graph
	g.NoMemoryPattern, g.KeepSpinning, g.Optimisation = true, true, infer.OptimiseExtended
	m := &machine{inputs: map[string]*infer.Tensor{}, outputs: map[string]*infer.Tensor{}}
	if m.graph, err = infer.OpenGraph(onnx, g); err != nil {
		return nil, fmt.Errorf("training graph: %w", err)
	}
	if err := m.allocate(o); err != nil {
		return nil, errors.Join(fmt.Errorf("training state: %w", err), m.close())
	}
	m.order()
	return m, nil
}

func (m *machine) allocate(o Options) error {
	parameters := unet.Length(o.Network.Parameters())
	lengths := map[string]int{
		unet.InParameters: parameters, unet.InMoment1: parameters, unet.InMoment2: parameters,
		unet.InStatistics: unet.Length(o.Network.Statistics()),
	}
	n, h, w := int64(o.Batch), int64(o.Height), int64(o.Width)
	err := errors.Join(
		add(m.inputs, unet.InPicture, n, int64(o.Network.Channels), h, w),
		add(m.inputs, unet.InTarget, n, 3, h, w),
		add(m.inputs, unet.InSize, 1),
		add(m.inputs, unet.InRoot, 1),
		add(m.outputs, unet.OutLoss, 3),
	)
	for _, name := range held {
		err = errors.Join(err,
			add(m.inputs, name, int64(lengths[name])),
			add(m.outputs, name+unet.Next, int64(lengths[name])))
	}
	return err
}

func add(to map[string]*infer.Tensor, name string, shape ...int64) error {
	t, err := infer.NewTensor(shape...)
	if err == nil {
		to[name] = t
	}
	return err
}

// order lists the tensors as the graph wants them.
func (m *machine) order() {
	m.in, m.out = m.in[:0], m.out[:0]
	for _, name := range m.graph.Inputs() {
		m.in = append(m.in, m.inputs[name])
	}
	for _, name := range m.graph.Outputs() {
		m.out = append(m.out, m.outputs[name])
	}
}

func (m *machine) picture() []float32 { return m.inputs[unet.InPicture].Data() }
func (m *machine) target() []float32  { return m.inputs[unet.InTarget].Data() }
func (m *machine) losses() []float32  { return m.outputs[unet.OutLoss].Data() }

// run makes step t (from 1) at a learning rate; swap then makes it the state.
func (m *machine) run(ctx context.Context, rate float64, t int) error {
	m.inputs[unet.InSize].Data()[0], m.inputs[unet.InRoot].Data()[0] = unet.AdamFactors(rate, t)
	return m.graph.Run(ctx, m.in, m.out)
}

func (m *machine) swap() {
	for _, name := range held {
		m.inputs[name], m.outputs[name+unet.Next] = m.outputs[name+unet.Next], m.inputs[name]
	}
	m.order()
}

func (m *machine) load(s *State) error {
	for name, v := range s.vectors() {
		to := m.inputs[name].Data()
		if len(*v) != len(to) {
			return fmt.Errorf("training state: %d %s, the network has %d", len(*v), name, len(to))
		}
		copy(to, *v)
	}
	return nil
}

func (m *machine) state() *State {
	s := &State{}
	for name, v := range s.vectors() {
		*v = append([]float32(nil), m.inputs[name].Data()...)
	}
	return s
}

func (m *machine) close() error {
	err := m.graph.Close()
	for _, set := range []map[string]*infer.Tensor{m.inputs, m.outputs} {
		for _, t := range set {
			err = errors.Join(err, t.Close())
		}
	}
	return err
}
