package model

import (
	"errors"
	"fmt"
	"os"

	"faird/model/onnxpb"
	"faird/model/readfile"
	"faird/model/vet"
)

// ReadBytes reads a model file without looking at what is in it. Every error names
// the file and what to do.
func ReadBytes(path string) ([]byte, error) {
	data, err := readfile.Read(path, MaxBytes)
	if errors.Is(err, os.ErrNotExist) {
		err = errors.New("no such file: name a model file, or make one with faird train")
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return data, nil
}

// ParseAs is Parse of what was read at path.
func ParseAs(path string, data []byte) (*File, error) {
	f, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	f.Path = path
	return f, nil
}

// vet refuses a network that is none of those which may be run, and notes the
// memory that it takes.
func (f *File) vet(m *onnxpb.ModelProto) (err error) {
	f.Memory, err = vet.Network(m, f.Input, []int64{int64(max(f.Batch, 1)), int64(f.Channels), int64(f.Height), int64(f.Width)})
	return err
}
