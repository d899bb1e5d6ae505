package camera

import (
	"fmt"

	"gocv.io/x/gocv"
)

// to8bit scales samples of 16 bits: round(v/257).
func to8bit(wide, dst *gocv.Mat) error {
	if err := wide.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 1.0/257, 0); err != nil {
		return fmt.Errorf("%w: 16 to 8 bits: %w", ErrPicture, err)
	}
	return nil
}
