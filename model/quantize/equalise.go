package quantize

import (
	"encoding/binary"
	"math"
	"slices"

	"faird/model/onnxpb"
)

// evenness is how far channels are brought to one size: 0 not at all, 1 wholly.
// Half way their steps become finer where they are small, without the weights
// that read them becoming too small for theirs (SmoothQuant, Xiao et al. 2023,
// found the same).
const evenness = 0.5

// most is how far a channel is scaled.
const most = 16

// Equalise scales the channels of the activations towards one size, so that a
// small one is not rounded with the steps of the largest: what a layer gives is
// multiplied by a number for each channel, and the weights that read it are
// divided by it, which changes nothing in float32, since a ReLU, a maximum, a
// doubling and a sum let a factor through (cross-layer equalisation, Nagel et al.
// 2019). sizes are those of the channels of every activation of Probe; it says
// how many activations were scaled. Where something else reads an activation it
// stays as it is.
func (n *Network) Equalise(sizes map[string][]float64) (scaled int, err error) {
	for _, g := range n.groups() {
		factors := g.factors(sizes)
		if factors == nil {
			continue
		}
		for _, l := range g.givers {
			if err := n.scale(l.conv.Input[1], factors, true); err != nil {
				return scaled, err
			}
			if b := input(l.conv, 2); b != "" {
				if err := n.scale(b, factors, true); err != nil {
					return scaled, err
				}
			}
		}
		for _, l := range g.readers {
			if err := n.scale(l.conv.Input[1], factors, false); err != nil {
				return scaled, err
			}
		}
		scaled += len(g.values)
	}
	return scaled, nil
}

// group is activations that must be scaled alike: what is pooled, doubled and
// added, with what comes of it.
type group struct {
	values          []string
	givers, readers []layer
}

// groups are those that can be scaled.
func (n *Network) groups() []group {
	of := map[string]int{} // value to group
	join := func(values ...string) {
		to := len(of)
		for _, v := range values {
			if g, ok := of[v]; ok {
				to = min(to, g)
			}
		}
		for _, v := range values {
			from, ok := of[v]
			of[v] = to
			for k, g := range of {
				if ok && g == from {
					of[k] = to
				}
			}
		}
	}
	for i, l := range n.layers {
		of[l.out] = 1<<20 + i // a group of its own
		if l.relu != nil {
			of[l.conv.Output[0]] = of[l.out]
		}
	}
	for _, node := range n.model.Graph.Node {
		switch node.GetOpType() {
		case "MaxPool", "AveragePool", "Resize":
			join(node.Input[0], node.Output[0])
		case "Add":
			join(node.Input[0], node.Input[1], node.Output[0])
		}
	}
	byNumber := map[int]*group{}
	var order []*group
	for _, l := range n.layers {
		g := byNumber[of[l.out]]
		if g == nil {
			g = &group{}
			byNumber[of[l.out]] = g
			order = append(order, g)
		}
		g.givers = append(g.givers, l)
	}
	for v, k := range of {
		if g := byNumber[k]; g != nil {
			g.values = append(g.values, v)
		}
	}
	var good []group
	for _, g := range order {
		slices.Sort(g.values)
		if n.readersOf(g) {
			good = append(good, *g)
		}
	}
	return good
}

// readersOf finds the layers that read a group, and says whether nobody else
// does, nothing in it comes from elsewhere, and all of its weights are its own.
func (n *Network) readersOf(g *group) bool {
	for _, v := range g.values {
		if n.isOutput(v) || v == n.Input() || n.consts[v] != nil {
			return false
		}
		for _, node := range n.uses[v] {
			switch node.GetOpType() {
			case "Conv":
				i := slices.IndexFunc(n.layers, func(l layer) bool { return l.conv == node })
				if i < 0 || node.Input[0] != v {
					return false
				}
				g.readers = append(g.readers, n.layers[i])
			case "Relu":
				if !slices.Contains(g.values, node.Output[0]) {
					return false
				}
			case "MaxPool", "AveragePool", "Resize", "Add":
			default:
				return false
			}
		}
	}
	for _, node := range n.model.Graph.Node {
		if !slices.Contains(g.values, node.Output[0]) {
			continue
		}
		for _, in := range node.Input {
			if node.GetOpType() == "Add" && !slices.Contains(g.values, in) {
				return false
			}
		}
	}
	for _, l := range slices.Concat(g.givers, g.readers) {
		for _, w := range l.conv.Input[1:] {
			if w != "" && (n.consts[w] == nil || len(n.uses[w]) != 1) {
				return false
			}
		}
	}
	return len(g.readers) > 0
}

// factors bring the group's channels towards the largest; nil where their sizes
// are not known.
func (g group) factors(sizes map[string][]float64) []float64 {
	var size []float64
	for _, v := range g.values {
		s, known := sizes[v]
		switch {
		case !known:
			continue
		case size == nil:
			size = slices.Clone(s)
		case len(s) != len(size):
			return nil
		}
		for c := range s {
			size[c] = max(size[c], s[c])
		}
	}
	if len(size) == 0 {
		return nil
	}
	top := slices.Max(size)
	for c, s := range size {
		size[c] = 1
		if s > 0 && top > 0 {
			size[c] = min(math.Pow(top/s, evenness), most)
		}
	}
	return size
}

// scale multiplies a constant [out, ...] by a factor for each out, or divides
// [out, in, ...] by one for each in.
func (n *Network) scale(name string, factors []float64, out bool) error {
	t := n.consts[name]
	v, err := floats(t)
	if err != nil {
		return err
	}
	inner := len(v) / int(t.Dims[0])
	for i := range v {
		if out {
			v[i] = float32(float64(v[i]) * factors[i/inner])
		} else {
			v[i] = float32(float64(v[i]) / factors[i%inner/(inner/len(factors))])
		}
	}
	setFloats(t, v)
	return nil
}

func setFloats(t *onnxpb.TensorProto, v []float32) {
	t.FloatData, t.RawData = nil, make([]byte, 0, 4*len(v))
	for _, x := range v {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(x))
	}
}
