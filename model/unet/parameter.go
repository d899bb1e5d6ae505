package unet

// Parameter is a named piece of a flat vector of numbers.
type Parameter struct {
	Name   string
	Shape  []int
	Offset int // in the flat vector
}

// Size is the number of elements.
func (p Parameter) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Of is the parameter's piece of the flat vector.
func (p Parameter) Of(flat []float32) []float32 { return flat[p.Offset : p.Offset+p.Size()] }

// Parameters are what training changes, in the order of the flat vector:
// "e1.0.weight" [out, in, 3, 3], "e1.1.weight" and "e1.1.bias" [out], ...,
// "out.weight", "out.bias". Convolutions before a batch norm have no bias,
// since the norm would take it out again.
func (n Network) Parameters() []Parameter {
	var l layout
	for _, u := range n.units() {
		l.add(u.conv+".weight", u.out, u.in, 3, 3)
		l.add(u.norm+".weight", u.out)
		l.add(u.norm+".bias", u.out)
	}
	l.add("out.weight", colours, n.Width, 3, 3)
	l.add("out.bias", colours)
	return l.list
}

// Statistics are the running means and variances of the batch norms, in the
// order of their flat vector.
func (n Network) Statistics() []Parameter {
	var l layout
	for _, u := range n.units() {
		l.add(u.norm+".running_mean", u.out)
		l.add(u.norm+".running_var", u.out)
	}
	return l.list
}

// Weights are the numbers of a trained network: Parameters and Statistics as
// flat vectors.
type Weights struct {
	Parameters []float32
	Statistics []float32
}

func (n Network) units() []unit {
	blocks := n.blocks()
	var all []unit
	for _, b := range n.widths() {
		all = append(all, blocks[b.name]...)
	}
	return all
}

type layout struct {
	list []Parameter
	size int
}

func (l *layout) add(name string, shape ...int) {
	p := Parameter{Name: name, Shape: shape, Offset: l.size}
	l.list = append(l.list, p)
	l.size += p.Size()
}

// Length is the length of the flat vector that the list describes.
func Length(list []Parameter) int {
	if len(list) == 0 {
		return 0
	}
	last := list[len(list)-1]
	return last.Offset + last.Size()
}
