package imagefile

import (
	"encoding/binary"
	"math/bits"
)

// putRow converts one row; it is false if the palette lacks a colour.
func (b *bmpInfo) putRow(row, from []byte) bool {
	switch {
	case b.bits == 24:
		copy(row, from)
	case b.bits == 32 && b.masks == [3]uint32{0xff, 0xff00, 0xff0000}:
		for i, j := 0, 0; i < len(row); i, j = i+3, j+4 {
			row[i], row[i+1], row[i+2] = from[j], from[j+1], from[j+2]
		}
	case b.bits >= 16:
		b.putMasked(row, from)
	default:
		return b.putIndexed(row, from)
	}
	return true
}

// putIndexed looks colours up; it is false if the palette lacks one.
func (b *bmpInfo) putIndexed(row, from []byte) bool {
	all, at := uint32(known), 0 // at counts bits
	if b.bits == 8 {
		all, at = b.putFours(row, from)
	}
	for i := at / 8 * 3; i+2 < len(row); i, at = i+3, at+b.bits { // the leftmost pixel in the most significant bits
		c := b.palette[from[at/8]>>(8-b.bits-at%8)&(1<<b.bits-1)]
		row[i], row[i+1], row[i+2] = byte(c), byte(c>>8), byte(c>>16)
		all &= c
	}
	return all&known != 0
}

// putFours converts pixels of 8 bits by fours, which make three words.
func (b *bmpInfo) putFours(row, from []byte) (all uint32, at int) {
	const colour = known - 1
	for all = known; len(row) >= 12 && len(from) >= 4; row, from, at = row[12:], from[4:], at+32 {
		c0, c1, c2, c3 := b.palette[from[0]], b.palette[from[1]], b.palette[from[2]], b.palette[from[3]]
		binary.LittleEndian.PutUint32(row, c0&colour|c1<<24)
		binary.LittleEndian.PutUint32(row[4:], c1&colour>>8|c2<<16)
		binary.LittleEndian.PutUint32(row[8:], c2&colour>>16|c3<<8)
		all &= c0 & c1 & c2 & c3
	}
	return all, at
}

// putMasked takes the channels out of pixels of 16 or 32 bits.
func (b *bmpInfo) putMasked(row, from []byte) {
	for i, at := 0, 0; i < len(row); i, at = i+3, at+b.bits/8 {
		v := uint32(binary.LittleEndian.Uint16(from[at:]))
		if b.bits == 32 {
			v = binary.LittleEndian.Uint32(from[at:])
		}
		for c, m := range b.masks {
			row[i+c] = unmask(v, m)
		}
	}
}

// unmask scales what the mask leaves of v to 8 bits.
func unmask(v, mask uint32) byte {
	if mask == 0 {
		return 0
	}
	shift := bits.TrailingZeros32(mask)
	most := uint64(mask >> shift)
	return byte((2*255*uint64(v&mask>>shift) + most) / (2 * most))
}
