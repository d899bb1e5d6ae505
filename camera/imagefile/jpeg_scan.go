package imagefile

// #include "codec.h"
import "C"

import (
	"encoding/binary"
	"sync"

	"faird/camera/fault"
)

type (
	jpegScan    = C.jpeg_scan
	jpegHuffman = C.jpeg_huffman
)

// jpegTables are the Huffman tables and the restart interval in force.
type jpegTables struct {
	dc, ac  [4]jpegHuffman
	restart int // minimum coded units between restart markers; 0: none
}

// define reads a DHT segment (T.81, B.2.4.2).
func (t *jpegTables) define(p []byte) error {
	for len(p) > 0 {
		class, id, codes := p[0]>>4, p[0]&15, 0
		if len(p) < 17 || class > 1 || id > 3 {
			return fault.Damaged("JPEG: a Huffman table of class %d, number %d and %d bytes", class, id, len(p))
		}
		for _, n := range p[1:17] {
			codes += int(n)
		}
		if codes > 256 || len(p) < 17+codes {
			return fault.Damaged("JPEG: a Huffman table of %d codes in %d bytes", codes, len(p))
		}
		table := &t.dc[id]
		if class == 1 {
			table = &t.ac[id]
		}
		*table = jpegHuffman{known: 1}
		for i, n := range p[1:17] {
			table.counts[i] = C.uint8_t(n)
		}
		for i, v := range p[17 : 17+codes] {
			table.symbols[i] = C.uint8_t(v)
		}
		p = p[17+codes:]
	}
	return nil
}

// interval reads a DRI segment (T.81, B.2.4.4).
func (t *jpegTables) interval(p []byte) error {
	if len(p) != 2 {
		return fault.Damaged("JPEG: a restart interval of %d bytes", len(p))
	}
	t.restart = int(binary.BigEndian.Uint16(p))
	return nil
}

// standardTables are used where an image defines none.
var standardTables = sync.OnceValue(func() (t jpegTables) {
	C.jpeg_standard_tables(&t.dc[0], &t.ac[0])
	return t
})

// checkScan follows the codes of a scan with the parameters p. Those of progressive
// scans mean something else in each, and are left to libjpeg.
func (d *Decoder) checkScan(p, data []byte) error {
	f := &d.jpeg.frame
	if err := f.describe().Within(d.maxPixels); err != nil || f.progressive() || len(data) == 0 {
		return err
	}
	s := &d.scan
	s.components, s.mcus, s.restart = C.int(p[0]), C.uint32_t(f.mcus(p)), C.uint32_t(d.jpeg.tables.restart)
	for i := range int(p[0]) {
		c := f.component(p[1+2*i])
		s.blocks[i] = 1
		if p[0] > 1 {
			s.blocks[i] = C.int(c.h) * C.int(c.v)
		}
		var ok bool
		if s.dc[i], s.ac[i], ok = d.jpeg.tables.of(p[2+2*i]); !ok {
			return fault.Damaged("JPEG: a scan with a Huffman table that is not defined")
		}
	}
	return d.failed("JPEG", C.jpeg_check_scan((*C.uint8_t)(&data[0]), C.size_t(len(data)), s, &d.failure))
}

// of are the tables of a component that are named by the two halves of a byte.
func (t *jpegTables) of(selector byte) (dc, ac jpegHuffman, ok bool) {
	i, j := selector>>4, selector&15
	if i > 3 || j > 3 {
		return dc, ac, false
	}
	if dc, ac = t.dc[i], t.ac[j]; dc.known == 0 {
		dc = standardTables().dc[i]
	}
	if ac.known == 0 {
		ac = standardTables().ac[j]
	}
	return dc, ac, dc.known != 0 && ac.known != 0
}

// mcus are the minimum coded units of a scan with the parameters p (T.81, A.2): one
// block where it holds one component, else the blocks of all that cover the same
// pixels.
func (f *jpegFrame) mcus(p []byte) int {
	var h, v int
	for _, c := range f.components {
		h, v = max(h, int(c.h)), max(v, int(c.v))
	}
	width, height := 8*h, 8*v
	if p[0] == 1 {
		c := f.component(p[1])
		return up(up(f.width*int(c.h), h), 8) * up(up(f.height*int(c.v), v), 8)
	}
	return up(f.width, width) * up(f.height, height)
}

// up is a/b, rounded up.
func up(a, b int) int { return (a + b - 1) / b }

// component is the one with that identifier; every scan header was checked for it.
func (f *jpegFrame) component(id byte) jpegComponent {
	for _, c := range f.components {
		if c.id == id {
			return c
		}
	}
	return jpegComponent{h: 1, v: 1}
}
