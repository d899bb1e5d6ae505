package unet

import "faird/model/graph"

// trainer appends the layers with their way back. Parameters come out of one
// flat vector; gradients and new statistics are kept by name until they are
// joined to flat vectors again.
type trainer struct {
	g       *graph.Graph
	network Network
	kind
	flat       graph.Value // all parameters
	parameters map[string]graph.Value
	statistics map[string]graph.Value
	gradients  map[string]graph.Value
	next       map[string]graph.Value // statistics after the step
	input      string
}

func newTrainer(g *graph.Graph, n Network, k kind, x graph.Value) *trainer {
	t := &trainer{
		g: g, network: n, kind: k, input: x.Name(),
		gradients: map[string]graph.Value{}, next: map[string]graph.Value{},
	}
	t.flat, t.parameters = cut(g, InParameters, n.Parameters())
	_, t.statistics = cut(g, InStatistics, n.Statistics())
	return t
}

func (t *trainer) unit(u unit, x graph.Value) (graph.Value, back) {
	g := t.g
	g.Scope(u.conv)
	z, dx, dw := t.conv(g, x, t.parameters[u.conv+".weight"])
	g.Scope(u.norm)
	y, seen, backNorm := t.norm(g, z, t.parameters[u.norm+".weight"], t.parameters[u.norm+".bias"])
	t.remember(u, seen, z.Elements()/u.out)

	return y, func(dy graph.Value) graph.Value {
		g.Scope(u.norm + "/back")
		dz, dscale, dbias := backNorm(dy)
		g.Scope(u.conv + "/back")
		t.gradients[u.conv+".weight"] = dw(dz)
		t.gradients[u.norm+".weight"] = dscale
		t.gradients[u.norm+".bias"] = dbias
		if x.Name() == t.input {
			return graph.Value{} // nobody asks for the picture's gradient
		}
		return dx(dz)
	}
}

func (t *trainer) remember(u unit, seen batch, samples int) {
	mean, variance := u.norm+".running_mean", u.norm+".running_var"
	t.next[mean], t.next[variance] = running(t.g, seen, t.statistics[mean], t.statistics[variance], samples)
}

func (t *trainer) last(x graph.Value) (graph.Value, back) {
	g := t.g
	g.Scope("out")
	y, dx, dw := t.conv(g, x, t.parameters["out.weight"])
	y = g.Add(y, g.Reshape(t.parameters["out.bias"], colours, 1, 1))
	return y, func(dy graph.Value) graph.Value {
		g.Scope("out/back")
		t.gradients["out.weight"] = dw(dy)
		t.gradients["out.bias"] = g.Sum(dy, 0, 2, 3)
		return dx(dy)
	}
}

func (t *trainer) pool(x graph.Value) (graph.Value, back)   { return pool(t.g, x) }
func (t *trainer) double(x graph.Value) (graph.Value, back) { return double(t.g, x) }
func (t *trainer) add(a, b graph.Value) graph.Value         { return t.g.Add(a, b) }

func (t *trainer) flatGradient() graph.Value {
	return join(t.g, t.network.Parameters(), t.gradients)
}

func (t *trainer) flatStatistics() graph.Value {
	return join(t.g, t.network.Statistics(), t.next)
}

// cut declares a flat input and gives its pieces their shapes.
func cut(g *graph.Graph, name string, list []Parameter) (graph.Value, map[string]graph.Value) {
	flat := g.Input(name, Length(list))
	sizes := make([]int, len(list))
	for i, p := range list {
		sizes[i] = p.Size()
	}
	pieces := map[string]graph.Value{}
	for i, v := range g.Split(flat, 0, sizes...) {
		pieces[list[i].Name] = g.Reshape(v, list[i].Shape...)
	}
	return flat, pieces
}

// join is the opposite of cut.
func join(g *graph.Graph, list []Parameter, pieces map[string]graph.Value) graph.Value {
	flat := make([]graph.Value, len(list))
	for i, p := range list {
		flat[i] = g.Flat(pieces[p.Name])
	}
	return g.Concat(0, flat...)
}
