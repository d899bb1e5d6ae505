package graph

// Pow is a to the power of a number, element by element.
func (g *Graph) Pow(a Value, exponent float64) Value {
	return g.node("Pow", Float, a.shape, nil, a, g.Scalar(exponent))
}

// Clip is a brought into low to high.
func (g *Graph) Clip(a Value, low, high float64) Value {
	return g.node("Clip", Float, a.shape, nil, a, g.Scalar(low), g.Scalar(high))
}

// WhereAbove is above where a is more than the limit, else otherwise; all three
// have one shape.
func (g *Graph) WhereAbove(a Value, limit float64, above, otherwise Value) Value {
	more := g.node("Greater", Bool, a.shape, nil, a, g.Scalar(limit))
	return g.node("Where", Float, a.shape, nil, more, above, otherwise)
}
