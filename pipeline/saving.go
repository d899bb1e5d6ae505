package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/verdict"
)

// saving keeps the pictures that somebody asked for: the next so many, as PNG,
// named by time, verdict and id.
type saving struct {
	dir  string
	left atomic.Int64
}

// ask saves the next n pictures.
func (s *saving) ask(n int) { s.left.Store(int64(n)) }

// save writes the frame's picture if pictures are still asked for. A picture
// that cannot be written ends the saving and is logged.
func (s *saving) save(v *verdict.Verdict, f *camera.Frame, log zerolog.Logger) {
	if s.left.Load() <= 0 || f.Picture.Empty() {
		return
	}
	s.left.Add(-1)
	name := fmt.Sprintf("%s_%s_%s.png", v.Time.Captured.UTC().Format("20060102T150405.000000Z"), v.Verdict, v.ID)
	if err := writePicture(filepath.Join(s.dir, name), f.Picture); err != nil {
		s.left.Store(0)
		log.Error().Err(err).Msg("no more pictures are saved")
	}
}

func writePicture(path string, picture gocv.Mat) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if !gocv.IMWrite(path, picture) {
		return fmt.Errorf("%s: the picture could not be written; is the disk full?", path)
	}
	return nil
}
