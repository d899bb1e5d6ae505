package imagefile

import (
	"bytes"
	"fmt"
	"math/bits"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

// isPNM knows P1 to P6 (netpbm's pbm, pgm and ppm).
func isPNM(data []byte) bool {
	return len(data) > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && (isSpace(data[2]) || data[2] == '#')
}

func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

// pnmInfo is the header of a PNM.
type pnmInfo struct {
	kind          byte // '1' to '6'
	width, height int
	most          int    // the value of white
	raster        []byte // what follows the header
}

func (p *pnmInfo) bitmap() bool { return p.kind == '1' || p.kind == '4' }
func (p *pnmInfo) plain() bool  { return p.kind < '4' }

func (p *pnmInfo) channels() int {
	if p.kind == '3' || p.kind == '6' {
		return 3
	}
	return 1
}

// sampleBytes is what a sample takes in a raster that is not plain.
func (p *pnmInfo) sampleBytes() int {
	if p.most > 255 {
		return 2
	}
	return 1
}

func pnmHeader(data []byte) (Header, error) {
	info, err := readPNM(data)
	if err != nil {
		return Header{}, err
	}
	return info.describe(), nil
}

func (p *pnmInfo) describe() Header {
	colour := "grey"
	if p.channels() == 3 {
		colour = "RGB"
	}
	h := Header{
		Format: "PNM", Pixels: pixelName(colour, bits.Len(uint(p.most))),
		Width: p.width, Height: p.height, PixelBytes: max(bgrBytes, p.channels()*p.sampleBytes()),
	}
	if p.most > 1 && bits.OnesCount(uint(p.most)+1) != 1 {
		h.Pixels = fmt.Sprintf("%s 0..%d", colour, p.most)
	}
	return h
}

// readPNM reads the header: numbers between white space and comments, then exactly
// one white space character.
func readPNM(data []byte) (p pnmInfo, err error) {
	p = pnmInfo{kind: data[1], most: 1}
	s := pnmScanner{data: data, at: 2}
	p.width, p.height = s.number(1<<31-1), s.number(1<<31-1)
	if !p.bitmap() {
		p.most = s.number(65535)
	}
	if s.at == len(data) {
		return p, fault.Incomplete("PNM: it ends in the header")
	}
	if s.bad || !isSpace(data[s.at]) || p.width == 0 || p.height == 0 || p.most == 0 {
		return p, fault.Damaged("PNM: the header is not that of a P%c", p.kind)
	}
	p.raster = data[s.at+1:]
	return p, nil
}

// pnmScanner reads numbers as text.
type pnmScanner struct {
	data []byte
	at   int
	bad  bool // something else than a number of the range was there
}

// skip passes over white space and comments.
func (s *pnmScanner) skip() {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case isSpace(c):
			s.at++
		case c == '#':
			n := bytes.IndexByte(s.data[s.at:], '\n')
			if n < 0 {
				s.at = len(s.data)
				return
			}
			s.at += n
		default:
			return
		}
	}
}

func (s *pnmScanner) number(most int) int {
	s.skip()
	start, v := s.at, 0
	for ; s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' && v <= most; s.at++ {
		v = 10*v + int(s.data[s.at]-'0')
	}
	if s.at == start || v > most {
		s.bad = true
	}
	return v
}

func (d *Decoder) decodePNM(data []byte, dst *gocv.Mat) (Header, error) {
	p, err := readPNM(data)
	if err != nil {
		return Header{}, err
	}
	h := p.describe()
	if err := h.Within(d.maxPixels); err != nil {
		return h, err
	}
	if err := p.measure(); err != nil {
		return h, err
	}
	to, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	table := d.scales.of(p.most, p.bitmap()) // 1 is black in a bitmap
	if p.plain() {
		return h, p.putPlain(to, table)
	}
	return h, p.putRaw(to, table)
}

// rowBytes is the length of a row of a raw raster.
func (p *pnmInfo) rowBytes() int {
	if p.bitmap() {
		return (p.width + 7) / 8
	}
	return p.width * p.channels() * p.sampleBytes()
}

// measure checks the length of the raster. A plain one has no less than a digit
// for each sample.
func (p *pnmInfo) measure() error {
	want := p.rowBytes() * p.height
	if p.plain() {
		want = p.width * p.height * p.channels()
	}
	switch has := len(p.raster); {
	case has < want:
		return fault.Incomplete("PNM: %d of %d bytes of pixels", has, want)
	case has > want && !p.plain():
		return fault.Damaged("PNM: %d bytes after the pixels", has-want)
	}
	return nil
}
