package inspect

import (
	"fmt"
	"image"
	"time"
)

// worth says whether a picture is worth a score: its pixels at the model's
// size, and what size they had before. The error wraps a *validity.Fault.
func (i *Inspector) worth(bgr []byte, size image.Point) error {
	if i.gate == nil {
		return nil
	}
	if err := i.gate.Add(bgr); err != nil {
		return err
	}
	if err := i.gate.Check(float64(size.X)/float64(size.Y), time.Now()); err != nil {
		return fmt.Errorf("%w: %w", ErrPicture, err)
	}
	return nil
}
