package imagefile

import "faird/camera/fault"

// putRaw converts the raster of a P4, P5 or P6, whose length was checked.
func (p *pnmInfo) putRaw(to pixels, table []byte) error {
	for y := range p.height {
		from := p.raster[y*p.rowBytes():][:p.rowBytes()]
		switch row := to.row(y, p.width); {
		case p.bitmap():
			putBits(row, from, table)
		case !p.putRow(row, from, table):
			return fault.Damaged("PNM: a sample in row %d exceeds the maximum %d", y, p.most)
		}
	}
	return nil
}

func putBits(row, from, table []byte) {
	for x := range len(row) / bgrBytes {
		v := table[from[x/8]>>(7-x%8)&1]
		row[3*x], row[3*x+1], row[3*x+2] = v, v, v
	}
}

// putRow converts one row; it is false if a sample is out of range.
func (p *pnmInfo) putRow(row, from, table []byte) bool {
	switch {
	case p.sampleBytes() == 2:
		return p.putWide(row, from, table)
	case p.channels() == 3:
		for i := 0; i+2 < len(row); i += 3 {
			r, g, b := from[i], from[i+1], from[i+2]
			if int(max(r, g, b)) >= len(table) {
				return false
			}
			row[i], row[i+1], row[i+2] = table[b], table[g], table[r]
		}
	default:
		for i, v := range from {
			if int(v) >= len(table) {
				return false
			}
			row[3*i], row[3*i+1], row[3*i+2] = table[v], table[v], table[v]
		}
	}
	return true
}

// putWide converts samples of two bytes, the most significant one first.
func (p *pnmInfo) putWide(row, from, table []byte) bool {
	n := p.channels()
	for i := 0; i+1 < len(from); i += 2 {
		v := int(from[i])<<8 | int(from[i+1])
		if v >= len(table) {
			return false
		}
		if n == 1 {
			row[3*i/2], row[3*i/2+1], row[3*i/2+2] = table[v], table[v], table[v]
		} else {
			row[i/2/3*3+2-i/2%3] = table[v]
		}
	}
	return true
}

// putPlain converts the raster of a P1, P2 or P3: digits and white space. White
// space must follow the last sample too, or a digit could be missing there.
func (p *pnmInfo) putPlain(to pixels, table []byte) error {
	s := pnmScanner{data: p.raster}
	for y := range p.height {
		row := to.row(y, p.width)
		for i := 0; i < len(row); {
			for c := range p.channels() {
				v, err := p.plainSample(&s)
				if err != nil {
					return err
				}
				row[i+2-c] = table[v]
			}
			if p.channels() == 1 {
				row[i], row[i+1] = row[i+2], row[i+2]
			}
			i += bgrBytes
		}
	}
	if s.skip(); s.at < len(s.data) {
		return fault.Damaged("PNM: %d bytes after the pixels", len(s.data)-s.at)
	}
	return nil
}

// plainSample reads one number, or one digit of a P1.
func (p *pnmInfo) plainSample(s *pnmScanner) (int, error) {
	if p.kind == '1' {
		s.skip()
		if s.at < len(s.data) && s.data[s.at]|1 == '1' {
			s.at++
			return int(s.data[s.at-1] - '0'), nil
		}
		s.bad = true
	}
	v := 0
	if !s.bad {
		v = s.number(p.most)
	}
	switch {
	case s.at >= len(s.data):
		return 0, fault.Incomplete("PNM: it ends before the last pixel")
	case s.bad || !isSpace(s.data[s.at]):
		return 0, fault.Damaged("PNM: byte %d of the raster is no sample of at most %d", s.at, p.most)
	}
	return v, nil
}
