package imagefile

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/verdict"
)

// pnmOf is a PNM of 13x11 pixels.
func pnmOf(kind, most int, v func(x, y, c int) int) []byte {
	n := 1
	if kind == 3 || kind == 6 {
		n = 3
	}
	head := fmt.Sprintf("P%d # a comment\n13 11\n", kind)
	if kind != 1 && kind != 4 {
		head += fmt.Sprintf("# another\n%d\n", most)
	}
	switch {
	case kind == 4:
		return []byte(head + string(samples(binary.BigEndian, 13, 11, 1, 1, v)))
	case kind > 4 && most > 255:
		return []byte(head + string(samples(binary.BigEndian, 13, 11, 16, n, v)))
	case kind > 4:
		return []byte(head + string(samples(binary.BigEndian, 13, 11, 8, n, v)))
	}
	var b strings.Builder
	b.WriteString(head)
	for i := range 13 * 11 * n {
		if kind == 1 {
			fmt.Fprint(&b, v(i%13, i/13, 0))
		} else {
			fmt.Fprint(&b, v(i/n%13, i/n/13, i%n), "\n")
		}
	}
	return []byte(b.String())
}

// upTo has samples of 0..most.
func upTo(most int) func(x, y, c int) int {
	v := gradient(16)
	return func(x, y, c int) int { return v(x, y, c) * most / 65535 }
}

func TestPNM(t *testing.T) {
	for _, most := range []int{1, 2, 100, 255, 256, 1000, 1023, 4095, 16383, 65535} {
		v := upTo(most)
		scaled := func(x, y, c int) int { return int(math.Round(255 * float64(v(x, y, c)) / float64(most))) }
		for _, kind := range []int{2, 5} {
			t.Run(fmt.Sprintf("P%d %d", kind, most), func(t *testing.T) { wantPixels(t, pnmOf(kind, most, v), grey(v, most)) })
		}
		for _, kind := range []int{3, 6} {
			t.Run(fmt.Sprintf("P%d %d", kind, most), func(t *testing.T) { wantPixels(t, pnmOf(kind, most, v), scaled) })
		}
	}
	for _, kind := range []int{1, 4} { // where 1 is black
		v := upTo(1)
		t.Run(fmt.Sprintf("P%d", kind), func(t *testing.T) {
			wantPixels(t, pnmOf(kind, 1, v), func(x, y, _ int) int { return 255 * (1 - v(x, y, 0)) })
		})
	}
}

func TestPNMPixelsAreThoseOfOpenCV(t *testing.T) {
	m := scene(t, 83, 61)
	for _, ext := range []gocv.FileExt{".ppm", ".pnm"} {
		got, _ := decoded(t, encode(t, ext, m))
		same(t, got, m)
	}
}

func TestPNMDamage(t *testing.T) {
	for text, want := range map[string]verdict.Check{
		"P5 2 1 255 ab":            "",
		"P5 2 1 255 a":             verdict.Incomplete,
		"P5 2 1 255 abc":           verdict.Damaged,
		"P5 2 1 255":               verdict.Incomplete,
		"P5 2 1 100 ab\xff":        verdict.Damaged,
		"P5 2 1 90 ab":             verdict.Damaged, // b is 98
		"P5 2 1 0 ab":              verdict.Damaged,
		"P5 2 1 65536 abcd":        verdict.Damaged,
		"P5 0 1 255 ":              verdict.Damaged,
		"P5 -2 1 255 ab":           verdict.Damaged,
		"P5 two 1 255 ab":          verdict.Damaged,
		"P5 # no end":              verdict.Incomplete,
		"P2 2 1 255 12 34 ":        "",
		"P2 2 1 255 12 34":         verdict.Incomplete, // of 341, perhaps
		"P2 2 1 255 12 256 ":       verdict.Damaged,
		"P2 2 1 255 12 3x ":        verdict.Damaged,
		"P2 2 1 255 12 34 56 ":     verdict.Damaged,
		"P1 2 1 10":                "",
		"P1 2 1 1 0 # end":         "",
		"P1 2 1 12":                verdict.Damaged,
		"P1 2 1 1":                 verdict.Incomplete,
		"P6 60000 60000 255 a":     verdict.TooLarge,
		"P6 2147483648 1 255 a":    verdict.Damaged,
		"P3 9000 9000 255 1 1 1 1": verdict.Incomplete,
	} {
		t.Run(text, func(t *testing.T) { wantFault(t, []byte(text), want) })
	}
}

func FuzzPNM(f *testing.F) {
	for kind := 1; kind <= 6; kind++ {
		f.Add(pnmOf(kind, 1, upTo(1)))
		f.Add(pnmOf(kind, 300, upTo(1)))
	}
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) {
		if !isPNM(data) {
			return Header{}, unsupported("no PNM")
		}
		return d.decodePNM(data, dst)
	})
}
