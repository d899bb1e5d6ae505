package vet

import "math"

// What follows keeps track of the content of small lists of numbers, by which
// exporters compute shapes. nil is a content that is not known.

func floats(list []int64) []float64 {
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = float64(x)
	}
	return bounded(out)
}

// bounded forgets what has grown too long to be a shape.
func bounded(content []float64) []float64 {
	if len(content) > maxContent {
		return nil
	}
	return content
}

func truncated(content []float64) []float64 {
	if content == nil {
		return nil
	}
	out := make([]float64, len(content))
	for i, x := range content {
		out[i] = math.Trunc(x)
	}
	return out
}

func appended(a, b []float64) []float64 {
	if a == nil || b == nil {
		return nil
	}
	return bounded(append(append([]float64{}, a...), b...))
}

func picked(content []float64, first, count, step int64) []float64 {
	if content == nil {
		return nil
	}
	out := []float64{}
	for i := range count {
		at := first + i*step
		if at < 0 || at >= int64(len(content)) {
			return nil
		}
		out = append(out, content[at])
	}
	return out
}

// fold computes with two lists of one length, or a list and a number.
func fold(op string, a, b *value) []float64 {
	if a.content == nil || b.content == nil || len(a.dims) > 1 || len(b.dims) > 1 {
		return nil
	}
	size := max(len(a.content), len(b.content))
	if min(len(a.content), len(b.content)) == 0 {
		return nil
	}
	out := make([]float64, size)
	for i := range out {
		x, y := a.content[i%len(a.content)], b.content[i%len(b.content)]
		switch op {
		case "Add":
			out[i] = x + y
		case "Sub":
			out[i] = x - y
		case "Mul":
			out[i] = x * y
		case "Div":
			if out[i] = x / y; a.integer() {
				if y == 0 {
					return nil
				}
				out[i] = math.Trunc(out[i])
			}
		default:
			return nil
		}
		if math.IsNaN(out[i]) || math.Abs(out[i]) > 1<<53 {
			return nil
		}
	}
	return out
}
