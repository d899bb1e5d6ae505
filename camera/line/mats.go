package line

import (
	"image/color"

	"gocv.io/x/gocv"
)

var black = color.RGBA{}

// floats and pixels view a Mat's own memory. Every Mat here is continuous and
// of the asked type, which is the only way these can fail.
func floats(m gocv.Mat) []float32 {
	v, err := m.DataPtrFloat32()
	must(err)
	return v
}

func pixels(m gocv.Mat) []uint8 {
	v, err := m.DataPtrUint8()
	must(err)
	return v
}

// must is for OpenCV calls whose arguments are all this package's own: nothing
// from outside can make them fail.
func must(err error) {
	if err != nil {
		panic("line: " + err.Error())
	}
}
