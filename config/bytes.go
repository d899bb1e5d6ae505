package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size; in the file a number with an optional unit: 500MB, 2GiB.
type Bytes int64

// units in the order of printing: the first that divides a size evenly is used.
var units = []struct {
	name  string
	bytes Bytes
}{
	{"TiB", 1 << 40},
	{"TB", 1e12},
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"kB", 1e3},
	{"B", 1},
}

// UnmarshalText implements encoding.TextUnmarshaler. Units are not ambiguous:
// kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of 1024; G alone is refused.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, err := unitOf(s[len(number):])
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) {
		return fmt.Errorf("%q is not a size", s)
	}
	if v *= float64(unit); v < 0 || v >= math.MaxInt64 {
		return fmt.Errorf("%q is out of range", s)
	}
	*b = Bytes(v)
	return nil
}

func unitOf(name string) (Bytes, error) {
	if name == "" {
		return 1, nil
	}
	for _, u := range units {
		if strings.EqualFold(u.name, name) {
			return u.bytes, nil
		}
	}
	return 0, fmt.Errorf("%q is not a unit of size", name)
}

// String is exact, and what UnmarshalText reads.
func (b Bytes) String() string {
	for _, u := range units {
		if b != 0 && b%u.bytes == 0 {
			return strconv.FormatInt(int64(b/u.bytes), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
