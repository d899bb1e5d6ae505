package imagefile

import "slices"

// scales maps samples of up to 16 bits to 8. The table is kept, for the next image
// is most often like the last.
type scales struct {
	most     int // of the samples; 0 for no table yet
	inverted bool
	table    []byte
}

// of returns the table for samples of 0..most: round(255*v/most), or 255 less
// that where 0 is white.
func (s *scales) of(most int, inverted bool) []byte {
	if s.most != most || s.inverted != inverted {
		s.most, s.inverted = most, inverted
		s.table = slices.Grow(s.table[:0], most+1)[:most+1]
		for v := range s.table {
			s.table[v] = byte((2*255*v + most) / (2 * most))
			if inverted {
				s.table[v] = 255 - s.table[v]
			}
		}
	}
	return s.table
}
