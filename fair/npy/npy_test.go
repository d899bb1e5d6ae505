package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"faird/fair/npy"
)

// array writes version 1 of the format.
func array(dtype, shape string, values any) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", dtype, shape)
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	_ = binary.Write(&b, binary.LittleEndian, values)
	return b.Bytes()
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		dtype, text string
		values      any
		shape       []int
		want        []float32
	}{
		{"<f4", "(2, 2)", []float32{1, 2, 3, -4.5}, []int{2, 2}, []float32{1, 2, 3, -4.5}},
		{"<f8", "(2,)", []float64{0.5, -7}, []int{2}, []float32{0.5, -7}},
		{"<i8", "(1, 1, 2)", []int64{-1, 9}, []int{1, 1, 2}, []float32{-1, 9}},
		{"<i4", "(1,)", []int32{-3}, []int{1}, []float32{-3}},
		{"|u1", "(3,)", []uint8{0, 1, 255}, []int{3}, []float32{0, 1, 255}},
		{"|i1", "(1,)", []int8{-128}, []int{1}, []float32{-128}},
		{"<f4", "()", []float32{6}, nil, []float32{6}},
	} {
		shape, data, err := npy.Read(write(t, array(c.dtype, c.text, c.values)))
		if err != nil {
			t.Fatalf("%s %s: %v", c.dtype, c.text, err)
		}
		if !slices.Equal(shape, c.shape) || !slices.Equal(data, c.want) {
			t.Errorf("%s %s: got %v %v, want %v %v", c.dtype, c.text, shape, data, c.shape, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := array("<f4", "(2,)", []float32{1, 2})
	for name, data := range map[string][]byte{
		"empty":       nil,
		"not numpy":   []byte("PNG, say, and more of it"),
		"cut header":  good[:20],
		"cut data":    good[:len(good)-1],
		"complex":     array("<c8", "(1,)", []float32{1, 2}),
		"big endian":  array(">f4", "(1,)", []float32{1}),
		"huge":        array("<f4", "(99999999, 99999999)", []float32{1}),
		"bad shape":   array("<f4", "(-2,)", []float32{1}),
		"no such key": []byte("\x93NUMPY\x01\x00\x02\x00{}"),
	} {
		if _, _, err := npy.Read(write(t, data)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := npy.Read(filepath.Join(t.TempDir(), "absent.npy")); err == nil {
		t.Error("absent file: no error")
	}
}

func TestReadZip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"e1.0.weight.npy", "out.bias.npy"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(array("<f4", "(2,)", []float32{float32(len(name)), 2})); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	arrays, err := npy.ReadZip(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := arrays["e1.0.weight"]; len(arrays) != 2 || got.Data[0] != 15 || got.Shape[0] != 2 {
		t.Errorf("got %v", arrays)
	}
	if err := os.WriteFile(path, b.Bytes()[:b.Len()/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := npy.ReadZip(path); err == nil {
		t.Error("half a zip: no error")
	}
}
