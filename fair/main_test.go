package fair_test

import (
	"image"
	"image/color"
)

var (
	sidePoint = image.Pt(side, side)
	blank     = color.RGBA{}
)
