package model

// BaseWidth is the UNet's base width c: the output channels of the network's
// first convolution. It is 0 for a network without one.
func (f *File) BaseWidth() int {
	m, err := unmarshalModel(f.data)
	if err != nil {
		return 0
	}
	for _, n := range m.Graph.GetNode() {
		if op := n.GetOpType(); op != "Conv" && op != "QLinearConv" || len(n.Input) < 2 {
			continue
		}
		weights := n.Input[1]
		if n.GetOpType() == "QLinearConv" {
			weights = n.Input[3]
		}
		for _, w := range m.Graph.GetInitializer() {
			if w.GetName() == weights && len(w.Dims) > 0 {
				return int(w.Dims[0])
			}
		}
	}
	return 0
}
