// Package unet is the restoration network of FAIR as ONNX graphs: one that
// restores, and one that makes a whole training step (forward, objective,
// every gradient, batch statistics, Adam). It writes graphs from
// faird/model/graph and never runs one.
package unet

import (
	"fmt"
	"strconv"
)

// Network says which UNet: its base width c (8 to 128) and the channels of the
// high-pass picture it reads (1, or 2 for Sobel xy). It always gives three.
type Network struct {
	Width    int `json:"width"`
	Channels int `json:"channels"`
}

// levels of the UNet, the last one without a level below; pictures are halved
// levels-1 times, so both sides divide by Divisor.
const (
	levels  = 5
	Divisor = 1 << (levels - 1)
	colours = 3
)

// epsilon and momentum of batch norm.
const (
	epsilon  = 1e-5
	momentum = 0.1
)

// Check says what is wrong with the network or the size of its pictures.
func (n Network) Check(height, width int) error {
	switch {
	case n.Width < 8 || n.Width > 128:
		return fmt.Errorf("network width %d: choose 8 to 128", n.Width)
	case n.Channels != 1 && n.Channels != 2:
		return fmt.Errorf("%d input channels: the filters give 1 or 2", n.Channels)
	case height < Divisor || width < Divisor || height%Divisor != 0 || width%Divisor != 0:
		return fmt.Errorf("picture size %dx%d: both sides must divide by %d", width, height, Divisor)
	}
	return nil
}

// unit is one convolution with batch norm and ReLU.
type unit struct {
	conv, norm string // names: "e1.0", "e1.1"
	in, out    int    // channels
}

// blocks are the units of each block, in the order of the parameters: e1 to e5
// go down, u and d go up.
func (n Network) blocks() map[string][]unit {
	blocks := map[string][]unit{}
	for _, b := range n.widths() {
		for i := range len(b.channels) - 1 {
			blocks[b.name] = append(blocks[b.name], unit{
				conv: b.name + "." + strconv.Itoa(3*i), norm: b.name + "." + strconv.Itoa(3*i+1),
				in: b.channels[i], out: b.channels[i+1],
			})
		}
	}
	return blocks
}

type block struct {
	name     string
	channels []int // before the first unit and after each
}

func (n Network) widths() []block {
	c := n.Width
	return []block{
		{"e1", []int{n.Channels, c, c}},
		{"e2", []int{c, 2 * c, 2 * c}},
		{"e3", []int{2 * c, 4 * c, 4 * c}},
		{"e4", []int{4 * c, 8 * c, 8 * c}},
		{"e5", []int{8 * c, 8 * c, 8 * c}},
		{"u1", []int{8 * c, 8 * c}},
		{"d1", []int{8 * c, 8 * c, 4 * c}},
		{"u2", []int{4 * c, 4 * c}},
		{"d2", []int{4 * c, 4 * c, 2 * c}},
		{"u3", []int{2 * c, 2 * c}},
		{"d3", []int{2 * c, 2 * c, c}},
		{"u4", []int{c, c}},
		{"d4", []int{c, c, c}},
	}
}
