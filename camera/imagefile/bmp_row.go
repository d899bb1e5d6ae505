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
	all := uint32(known)
	if b.bits == 8 {
		for _, index := range from[:len(row)/3] {
			c := b.palette[index]
			row[0], row[1], row[2] = byte(c), byte(c>>8), byte(c>>16)
			row = row[3:]
			all &= c
		}
		return all != 0
	}
	for i, at := 0, 0; i+2 < len(row); i, at = i+3, at+b.bits { // the leftmost pixel in the most significant bits
		c := b.palette[from[at/8]>>(8-b.bits-at%8)&(1<<b.bits-1)]
		row[i], row[i+1], row[i+2] = byte(c), byte(c>>8), byte(c>>16)
		all &= c
	}
	return all != 0
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
