// Package npy reads NumPy's array files, the form in which reference results
// of the paper's equations come. It is for tests: nothing that runs on a box
// needs it, and it writes nothing.
package npy

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// maxElements bounds what a header may ask for, so that a broken file cannot take all memory.
const maxElements = 1 << 28

// Read returns the shape and the values of a .npy file. Little-endian C-order
// arrays of float32, float64, 8-, 32- and 64-bit integers and booleans are
// known; all come back as float32.
func Read(path string) (shape []int, data []float32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if shape, data, err = decode(f); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return shape, data, nil
}

// Array is one member of an .npz file.
type Array struct {
	Shape []int
	Data  []float32
}

// ReadZip returns the arrays of an .npz file by their names, without ".npy".
func ReadZip(path string) (map[string]Array, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	arrays := make(map[string]Array, len(z.File))
	for _, member := range z.File {
		a, err := readMember(member)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, member.Name, err)
		}
		arrays[strings.TrimSuffix(member.Name, ".npy")] = a
	}
	return arrays, nil
}

func readMember(member *zip.File) (a Array, err error) {
	r, err := member.Open()
	if err != nil {
		return a, err
	}
	defer r.Close()
	a.Shape, a.Data, err = decode(r)
	return a, err
}

func decode(r io.Reader) ([]int, []float32, error) {
	header, err := readHeader(r)
	if err != nil {
		return nil, nil, err
	}
	dtype, shape, n, err := parseHeader(header)
	if err != nil {
		return nil, nil, err
	}
	size, convert, err := converter(dtype)
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, n*size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, nil, fmt.Errorf("shorter than its shape %v of %s: %w", shape, dtype, err)
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = convert(raw[i*size:])
	}
	return shape, data, nil
}

// readHeader returns the Python dictionary at the front: magic, version, its
// length (two bytes in version 1, four later), the text.
func readHeader(r io.Reader) (string, error) {
	var front [8]byte
	if _, err := io.ReadFull(r, front[:]); err != nil {
		return "", fmt.Errorf("not a .npy file: %w", err)
	}
	if string(front[:6]) != "\x93NUMPY" {
		return "", fmt.Errorf("not a .npy file: it starts with %q", front[:6])
	}
	length := make([]byte, 4)
	if front[6] == 1 {
		length = length[:2]
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return "", fmt.Errorf("header cut off: %w", err)
	}
	n := binary.LittleEndian.Uint32(append(length, 0, 0)[:4])
	if n > 1<<16 {
		return "", fmt.Errorf("header of %d bytes is too long", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", fmt.Errorf("header cut off: %w", err)
	}
	return string(text), nil
}

var (
	dtypeField = regexp.MustCompile(`'descr':\s*'([^']+)'`)
	orderField = regexp.MustCompile(`'fortran_order':\s*False`)
	shapeField = regexp.MustCompile(`'shape':\s*\(([^)]*)\)`)
)

func parseHeader(header string) (dtype string, shape []int, n int, err error) {
	d, s := dtypeField.FindStringSubmatch(header), shapeField.FindStringSubmatch(header)
	if d == nil || s == nil || !orderField.MatchString(header) {
		return "", nil, 0, fmt.Errorf("header %q is not of a C-order array", header)
	}
	n = 1
	for _, field := range strings.Split(s[1], ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		side, err := strconv.Atoi(field)
		if err != nil || side < 0 || side > maxElements {
			return "", nil, 0, fmt.Errorf("shape (%s) cannot be read", s[1])
		}
		if n *= side; n > maxElements {
			return "", nil, 0, fmt.Errorf("shape (%s) is too large", s[1])
		}
		shape = append(shape, side)
	}
	return d[1], shape, n, nil
}

func converter(dtype string) (size int, convert func([]byte) float32, err error) {
	le := binary.LittleEndian
	switch dtype {
	case "<f4":
		return 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }, nil
	case "<f8":
		return 8, func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) }, nil
	case "<i4":
		return 4, func(b []byte) float32 { return float32(int32(le.Uint32(b))) }, nil
	case "<i8":
		return 8, func(b []byte) float32 { return float32(int64(le.Uint64(b))) }, nil
	case "|u1", "|b1":
		return 1, func(b []byte) float32 { return float32(b[0]) }, nil
	case "|i1":
		return 1, func(b []byte) float32 { return float32(int8(b[0])) }, nil
	}
	return 0, nil, fmt.Errorf("arrays of type %q are not supported", dtype)
}
