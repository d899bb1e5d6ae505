package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"gocv.io/x/gocv"
)

// maxFileBytes is the largest picture file that is read.
const maxFileBytes = 1 << 30

// ReadPicture reads a picture file as BGR, 8- or 16-bit as the file is; the
// caller closes it. Grey becomes three channels, and an EXIF orientation is
// applied. A missing file is an fs.ErrNotExist; a broken or truncated one
// wraps ErrPicture. Either error names the file.
func ReadPicture(path string) (gocv.Mat, error) {
	data, err := readFile(path)
	if err != nil {
		return gocv.Mat{}, err
	}
	picture := gocv.NewMat()
	if err := decode(data, &picture); err != nil {
		return gocv.Mat{}, errors.Join(fmt.Errorf("%s: %w", path, err), picture.Close())
	}
	return picture, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: %w: it is a folder", path, ErrPicture)
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("%s: %w: it has %d bytes, at most %d are read", path, ErrPicture, info.Size(), maxFileBytes)
	}
	return os.ReadFile(path)
}

// decode decodes a picture file in memory. OpenCV fills in what is missing of
// a cut-off PNG or JPEG and says nothing, so that is found out before.
func decode(data []byte, picture *gocv.Mat) error {
	if err := complete(data); err != nil {
		return fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if err := gocv.IMDecodeIntoMat(data, gocv.IMReadColor|gocv.IMReadAnyDepth, picture); err != nil {
		return fmt.Errorf("%w: %s", ErrPicture, strings.Join(strings.Fields(err.Error()), " ")) // OpenCV's text ends in a line break
	}
	if picture.Empty() {
		return fmt.Errorf("%w: no picture format that OpenCV can read, or broken", ErrPicture)
	}
	return nil
}

// complete says whether a PNG or JPEG file is whole; other formats pass.
func complete(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(data, pngSignature):
		return completePNG(data[len(pngSignature):])
	case bytes.HasPrefix(data, []byte{0xff, startOfImage}):
		return completeJPEG(data[2:])
	}
	return nil
}
