package fair_test

import "image"

var sidePoint = image.Pt(side, side)
