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
	if err != nil {
		panic("line: " + err.Error())
	}
	return v
}

func pixels(m gocv.Mat) []uint8 {
	v, err := m.DataPtrUint8()
	if err != nil {
		panic("line: " + err.Error())
	}
	return v
}
