package fair

// Components finds the 8-connected parts of masks. It keeps its buffers; one
// goroutine uses it at a time.
type Components struct {
	// Labels, [h,w], is 0 outside of the last mask, else the number of the part, from 1.
	Labels []int32
	parent []int32
}

// Find labels the parts of a mask, [h,w], non-zero inside, in the order of
// their first pixels, and returns how many there are.
func (c *Components) Find(mask []byte, h, w int) int {
	if cap(c.Labels) < h*w {
		c.Labels = make([]int32, h*w)
	}
	c.Labels = c.Labels[:h*w]
	clear(c.Labels)
	c.parent = append(c.parent[:0], 0)
	for i, inside := range mask[:h*w] {
		if inside != 0 {
			c.Labels[i] = c.label(i/w, i%w, w)
		}
	}
	return c.number()
}

// label is that of the pixel's neighbours seen before it (left, and the three
// above), which are thereby one part, or a new one.
func (c *Components) label(y, x, w int) int32 {
	var label int32
	i := y*w + x
	if x > 0 {
		label = c.Labels[i-1]
	}
	if y > 0 {
		for j := max(x-1, 0); j <= min(x+1, w-1); j++ {
			if above := c.Labels[i-x-w+j]; above != 0 {
				label = c.join(label, above)
			}
		}
	}
	if label == 0 {
		label = int32(len(c.parent))
		c.parent = append(c.parent, label)
	}
	return label
}

// join makes two labels one part and returns its smaller root; a may be 0.
func (c *Components) join(a, b int32) int32 {
	b = c.root(b)
	if a == 0 {
		return b
	}
	a = c.root(a)
	a, b = min(a, b), max(a, b)
	c.parent[b] = a
	return a
}

func (c *Components) root(label int32) int32 {
	for c.parent[label] != label {
		c.parent[label] = c.parent[c.parent[label]]
		label = c.parent[label]
	}
	return label
}

// number replaces labels by consecutive numbers of their parts. A root is
// smaller than the labels under it, so it has its number before they ask.
func (c *Components) number() int {
	count := int32(0)
	for label := 1; label < len(c.parent); label++ {
		if parent := c.parent[label]; parent != int32(label) {
			c.parent[label] = c.parent[parent]
			continue
		}
		count++
		c.parent[label] = count
	}
	for i, label := range c.Labels {
		if label != 0 {
			c.Labels[i] = c.parent[label]
		}
	}
	return int(count)
}
