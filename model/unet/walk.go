package unet

import (
	"fmt"

	"faird/model/graph"
)

// back appends the nodes that turn the gradient of a layer's result into the
// gradient of its input. Every layer returns its own beside its result.
type back func(dy graph.Value) graph.Value

// layers appends the network's pieces to a graph. The network is wired once,
// below, for restoring (which never asks for the way back) and for training.
type layers interface {
	unit(u unit, x graph.Value) (graph.Value, back) // conv, batch norm, ReLU
	pool(x graph.Value) (graph.Value, back)
	double(x graph.Value) (graph.Value, back)
	last(x graph.Value) (graph.Value, back) // conv to three colours
	add(a, b graph.Value) graph.Value
}

// walk wires the whole UNet from the high-pass picture to the restored one.
func (n Network) walk(l layers, x graph.Value) (graph.Value, back) {
	w := wiring{l, n.blocks()}
	y, backLevels := w.level(1, x)
	out, backLast := l.last(y)
	return out, func(dy graph.Value) graph.Value { return backLevels(backLast(dy)) }
}

type wiring struct {
	layers
	blocks map[string][]unit
}

// level is one depth of the U with everything below it: the block on the way
// down, the deeper level at half the size, and the block on the way up, to
// which the skip is added. Both ways out of the first block bring gradient.
func (w wiring) level(depth int, x graph.Value) (graph.Value, back) {
	skip, backSkip := w.block(fmt.Sprintf("e%d", depth), x)
	if depth == levels {
		return skip, backSkip
	}
	half, backPool := w.pool(skip)
	deep, backDeep := w.level(depth+1, half)
	wide, backDouble := w.double(deep)
	up, backUp := w.block(fmt.Sprintf("u%d", levels-depth), wide)
	y, backDown := w.block(fmt.Sprintf("d%d", levels-depth), w.add(up, skip))

	return y, func(dy graph.Value) graph.Value {
		dsum := backDown(dy)
		dskip := backPool(backDeep(backDouble(backUp(dsum))))
		return backSkip(w.add(dskip, dsum))
	}
}

// block is the units of one name, one after the other.
func (w wiring) block(name string, x graph.Value) (graph.Value, back) {
	var backs []back
	for _, u := range w.blocks[name] {
		var b back
		x, b = w.unit(u, x)
		backs = append(backs, b)
	}
	return x, func(dy graph.Value) graph.Value {
		for i := len(backs) - 1; i >= 0; i-- {
			dy = backs[i](dy)
		}
		return dy
	}
}
