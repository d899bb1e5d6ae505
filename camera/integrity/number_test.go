package integrity

import (
	"fmt"
	"hash/crc32"
	"testing"
)

// number identifies an image among all those of a test run.
type number struct {
	clip  uint8
	index uint16
}

func (n number) String() string { return fmt.Sprintf("%d/%d", n.clip, n.index) }

// codeBits is also the number of cells across an image: 24 bits of number, then
// 16 bits of CRC over them.
const codeBits = 40

func (n number) code() uint64 {
	value := []byte{n.clip, byte(n.index >> 8), byte(n.index)}
	sum := uint64(crc32.ChecksumIEEE(value) & 0xffff)
	return uint64(n.clip)<<32 | uint64(n.index)<<16 | sum
}

// decode reports whether the checksum fits.
func decode(code uint64) (number, bool) {
	n := number{clip: uint8(code >> 32), index: uint16(code >> 16)}
	return n, n.code() == code
}

// Luma of a cell that is 0 and of one that is 1.
const (
	cellDark   = 48
	cellBright = 208
)

// bands returns the first row of each of the three rows of cells: at the top, in
// the middle and at the bottom, so that an image made of two shows both numbers.
func bands(height, cell int) [3]int {
	return [3]int{0, height / 2 / cell * cell, height - cell}
}

// paint draws the number into a plane of luma.
func (n number) paint(luma []byte, width, height int) {
	cell := width / codeBits
	code := n.code()
	for _, top := range bands(height, cell) {
		for y := top; y < top+cell; y++ {
			for x := range width {
				value := byte(cellDark)
				if code>>(codeBits-1-x/cell)&1 != 0 {
					value = cellBright
				}
				luma[y*width+x] = value
			}
		}
	}
}

// read finds the number in an 8-bit BGR image. Its bands must agree.
func read(bgr []byte, width, height int) (number, error) {
	cell := width / codeBits
	if cell < 4 || height < 3*cell {
		return number{}, fmt.Errorf("%dx%d pixels hold no number", width, height)
	}
	var seen [3]number
	for i, top := range bands(height, cell) {
		var ok bool
		if seen[i], ok = decode(readBand(bgr, width, top, cell)); !ok {
			return number{}, fmt.Errorf("the number at row %d is destroyed", top)
		}
	}
	if seen[0] != seen[1] || seen[1] != seen[2] {
		return number{}, fmt.Errorf("parts of images %v, %v and %v in one", seen[0], seen[1], seen[2])
	}
	return seen[0], nil
}

func readBand(bgr []byte, width, top, cell int) (code uint64) {
	for bit := range codeBits {
		sum, count := 0, 0
		for y := top + cell/4; y < top+cell-cell/4; y++ {
			for x := bit*cell + cell/4; x < (bit+1)*cell-cell/4; x++ {
				sum += int(bgr[3*(y*width+x)+1])
				count++
			}
		}
		code <<= 1
		if sum > count*(cellDark+cellBright)/2 {
			code |= 1
		}
	}
	return code
}

func TestNumber(t *testing.T) {
	const width, height = 320, 240
	for _, n := range []number{{0, 0}, {1, 2}, {255, 65535}, {17, 4711}} {
		bgr := grey(n, width, height)
		if got, err := read(bgr, width, height); err != nil || got != n {
			t.Errorf("painted %v, read %v, %v", n, got, err)
		}
		clear(bgr[3*width*height/2 : 3*width*(height/2+8)])
		if got, err := read(bgr, width, height); err == nil {
			t.Errorf("%v was read from an image without its middle", got)
		}
	}
	mixed := append(grey(number{1, 2}, width, height)[:3*width*height/2], grey(number{1, 3}, width, height)[3*width*height/2:]...)
	if got, err := read(mixed, width, height); err == nil {
		t.Errorf("%v was read from halves of two images", got)
	}
}

// grey is a BGR image with nothing but a number.
func grey(n number, width, height int) []byte {
	luma := make([]byte, width*height)
	n.paint(luma, width, height)
	bgr := make([]byte, 0, 3*len(luma))
	for _, v := range luma {
		bgr = append(bgr, v, v, v)
	}
	return bgr
}
