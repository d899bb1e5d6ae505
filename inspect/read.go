package inspect

import (
	"errors"

	"gocv.io/x/gocv"

	"faird/camera"
)

// ReadPicture reads a picture file as 8-bit BGR by the same rule as a camera's
// pictures ([camera.Decoder]); the caller closes it. A missing file is an
// fs.ErrNotExist; a broken or truncated one wraps ErrPicture. Either error names
// the file.
func ReadPicture(path string) (gocv.Mat, error) {
	d := camera.NewDecoder()
	defer d.Close()
	picture := gocv.NewMat()
	if err := d.ReadFile(path, &picture); err != nil {
		return gocv.Mat{}, errors.Join(err, picture.Close())
	}
	return picture, nil
}

// decode decodes a picture file in memory.
func decode(data []byte, picture *gocv.Mat) error {
	d := camera.NewDecoder()
	defer d.Close()
	return d.Decode(data, picture)
}
