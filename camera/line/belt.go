package line

import (
	"math"
	"math/rand/v2"
)

// belt is the conveyor: a woven dark green PVC belt, scuffed along its
// direction of travel (x), larger than the picture so that it can move on.
type belt struct {
	side int // of the texture
	view int // of the picture
	bgr  []uint8
}

func newBelt(size int, unit float64, r *rand.Rand) *belt {
	b := &belt{side: size + size/2, view: size}
	n := b.side * b.side
	b.bgr = make([]uint8, 3*n)
	fine := beltNoise(b.side, 0.8, 0.8, r)
	scuffs := beltNoise(b.side, 40*unit, 1.1*unit, r)
	dirt := beltNoise(b.side, 26*unit, 20*unit, r)
	pitch := 7.0 * unit
	for i := range n {
		x, y := float64(i%b.side), float64(i/b.side)
		weave := math.Sin(2*math.Pi*(x+y)/pitch)*0.5 + math.Sin(2*math.Pi*(x-y)/pitch)*0.5
		v := 1 + 0.10*weave + 0.05*float64(fine[i]) + 0.06*float64(scuffs[i]) + 0.05*float64(dirt[i])
		b.bgr[3*i], b.bgr[3*i+1], b.bgr[3*i+2] = byteOf(62*v), byteOf(74*v), byteOf(52*v)
	}
	return b
}

func beltNoise(side int, sigmaX, sigmaY float64, r *rand.Rand) []float32 {
	m := gaussian(side, side, r)
	defer m.Close()
	blur(&m, sigmaX, sigmaY)
	v := append([]float32(nil), floats(m)...)
	normalise(v)
	return v
}

// row is the belt under row y of a picture taken at offset x0, y0.
func (b *belt) row(x0, y0, y int) []uint8 {
	start := 3 * ((y0+y)*b.side + x0)
	return b.bgr[start : start+3*b.view]
}
