package inspect

import (
	"errors"
	"fmt"

	"gocv.io/x/gocv"
)

// MapPicture draws the last picture's map in false colours over the picture,
// at the model's size, as a PNG. Blue is zero and dark red is full; with a
// level, the threshold, that is twice the level, so that green to yellow is
// where regions begin; without, the map's own maximum.
func (i *Inspector) MapPicture(level *float64) ([]byte, error) {
	full := float64(i.peak())
	if level != nil && *level > 0 {
		full = 2 * *level
	}
	heat, err := gocv.NewMatFromBytes(i.h, i.w, gocv.MatTypeCV8UC1, scaled(i.Map(), full))
	if err != nil {
		return nil, err
	}
	coloured := gocv.NewMat()
	defer coloured.Close()
	err = errors.Join(gocv.ApplyColorMap(heat, &coloured, gocv.ColormapTurbo), heat.Close())
	if err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	if err := gocv.AddWeighted(i.resizer.bgr, 0.5, coloured, 0.5, 0, &coloured); err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	return encode(coloured)
}

func (i *Inspector) peak() (peak float32) {
	for _, v := range i.Map() {
		peak = max(peak, v)
	}
	return peak
}

// scaled brings values of 0..full to bytes.
func scaled(values []float32, full float64) []byte {
	out := make([]byte, len(values))
	for i, v := range values {
		if full > 0 {
			out[i] = byte(min(max(float64(v)/full, 0), 1)*255 + 0.5)
		}
	}
	return out
}

func encode(picture gocv.Mat) ([]byte, error) {
	buffer, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		return nil, fmt.Errorf("map picture: %w", err)
	}
	defer buffer.Close()
	return append([]byte(nil), buffer.GetBytes()...), nil
}
