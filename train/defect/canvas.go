package defect

import "math"

// canvas is 8-bit BGR pixels [h, w, 3].
type canvas struct {
	h, w int
	pix  []byte
}

// turn fills c with a picture of the same size turned about its centre.
func (c canvas) turn(src canvas, degrees float64) {
	c.turnAbout(src, float64(c.w-1)/2, float64(c.h-1)/2, degrees*math.Pi/180)
}

// turnAbout fills c with src turned about the point (x0, y0), bilinear, black
// where src has nothing.
func (c canvas) turnAbout(src canvas, x0, y0, radians float64) {
	sin, cos := math.Sincos(radians)
	for y := range c.h {
		for x := range c.w {
			dx, dy := float64(x)-x0, float64(y)-y0
			src.read(x0+cos*dx-sin*dy, y0+sin*dx+cos*dy, c.pix[3*(y*c.w+x):])
		}
	}
}

// read writes the bilinear pixel at (x, y) to to; outside is black.
func (c canvas) read(x, y float64, to []byte) {
	left, top := math.Floor(x), math.Floor(y)
	fx, fy := x-left, y-top
	x0, y0 := int(left), int(top)
	to[0], to[1], to[2] = 0, 0, 0
	if x0 < -1 || y0 < -1 || x0 >= c.w || y0 >= c.h {
		return
	}
	a, b := c.at(x0, y0), c.at(x0+1, y0)
	d, e := c.at(x0, y0+1), c.at(x0+1, y0+1)
	for k := range 3 {
		upper := float64(a[k])*(1-fx) + float64(b[k])*fx
		lower := float64(d[k])*(1-fx) + float64(e[k])*fx
		to[k] = byte(upper*(1-fy) + lower*fy + 0.5)
	}
}

var black [3]byte

func (c canvas) at(x, y int) *[3]byte {
	if uint(x) >= uint(c.w) || uint(y) >= uint(c.h) {
		return &black
	}
	return (*[3]byte)(c.pix[3*(y*c.w+x):])
}

func clamp(v float64) byte { return byte(min(max(v, 0), 255) + 0.5) }
