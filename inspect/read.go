package inspect

import (
	"errors"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
)

// ReadPicture reads an image file of at most maxPixels pixels (0: the default) as
// 8-bit BGR, as a camera's images are ([imagefile.Decoder]); the caller closes it.
// A missing file is an fs.ErrNotExist; one that is no intact image wraps
// ErrPicture. Either error names the file.
func ReadPicture(path string, maxPixels int) (gocv.Mat, error) {
	d := imagefile.NewDecoder(maxPixels)
	defer d.Close()
	picture := gocv.NewMat()
	if err := d.ReadFile(path, &picture); err != nil {
		return gocv.Mat{}, errors.Join(err, picture.Close())
	}
	return picture, nil
}

// decode decodes an image of a model file, whose size was checked.
func decode(data []byte, picture *gocv.Mat) error {
	d := imagefile.NewDecoder(0)
	defer d.Close()
	_, err := d.Decode(data, picture)
	return err
}
