package inspect

import (
	"fmt"
	"image"
	"time"
)

// worth says whether the picture whose pixels were taken is worth a score; size
// is what it, or each of its tiles, had before. The error wraps a
// *validity.Fault.
func (l *lens) worth(size image.Point) error {
	if l.gate == nil {
		return nil
	}
	if err := l.gate.Check(float64(size.X)/float64(size.Y), time.Now()); err != nil {
		return fmt.Errorf("%w: %w", ErrPicture, err)
	}
	return nil
}
