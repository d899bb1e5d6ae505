package defect

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const testH, testW = 48, 80

// coded is a picture whose pixels say where they are.
func coded(h, w int, blue byte) []byte {
	p := make([]byte, 3*h*w)
	for i := range h * w {
		p[3*i], p[3*i+1], p[3*i+2] = blue, byte(i/w)+1, byte(i%w)+1
	}
	return p
}

func newMaker(t *testing.T, mix Mix, good ...[]byte) *Maker {
	t.Helper()
	m, err := New(testH, testW, mix, good, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func random(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

func TestSamplesFollowTheGeneratorAlone(t *testing.T) {
	mix := PaperMix(FormAuthors)
	mix.Patch = 0.25
	good := [][]byte{coded(testH, testW, 10), coded(testH, testW, 200)}
	one, other := newMaker(t, mix, good...), newMaker(t, mix, good...)
	samples := map[uint64]Sample{}
	for i := range uint64(40) {
		var s Sample
		one.Make(random(1, i), int(i%2), &s)
		samples[i] = s
	}
	var reused Sample
	differ := 0
	for i := uint64(39); i < 40; i-- { // backwards, into used buffers
		other.Make(random(1, i), int(i%2), &reused)
		if s := samples[i]; s.Kind != reused.Kind || !bytes.Equal(s.Input, reused.Input) || !bytes.Equal(s.Target, reused.Target) || !bytes.Equal(s.Mask, reused.Mask) {
			t.Fatalf("sample %d, %s, depends on what was made before it", i, s.Kind)
		}
		other.Make(random(2, i), int(i%2), &reused)
		if !bytes.Equal(samples[i].Input, reused.Input) {
			differ++
		}
	}
	if differ < 20 {
		t.Errorf("another seed changed %d of 40 samples", differ)
	}
}

func TestPaperMix(t *testing.T) {
	good := coded(testH, testW, 90)
	m := newMaker(t, PaperMix(FormPaper), good)
	count := map[string]int{}
	const n = 1500
	var s Sample
	for i := range uint64(n) {
		m.Make(random(5, i), 0, &s)
		count[s.Kind]++
		if !bytes.Equal(s.Target, good) {
			count["turned"]++
		}
		if s.Kind == Clean && (!bytes.Equal(s.Input, s.Target) || slices.Max(s.Mask) != 0) {
			t.Fatal("a clean sample has a defect")
		}
	}
	for _, c := range []struct {
		kind  string
		share float64
	}{{Clean, 0.5}, {Texture, 0.25}, {CutPaste, 0.25}, {Patch, 0}, {"turned", 0.3}} {
		if got := float64(count[c.kind]) / n; got < c.share-0.05 || got > c.share+0.05 {
			t.Errorf("%s: %.3f of the samples, want %.2f", c.kind, got, c.share)
		}
	}
}

func TestMaskIsWhereTheSampleDiffers(t *testing.T) {
	mix := Mix{Texture: 1, CutPaste: 1, Patch: 1, Form: FormPaper, Rotate: 0.5}
	m := newMaker(t, mix, coded(testH, testW, 10), coded(testH, testW, 120))
	changed := map[string]int{}
	var s Sample
	for i := range uint64(60) {
		m.Make(random(3, i), 0, &s)
		for k, v := range s.Mask {
			if differs := !bytes.Equal(s.Input[3*k:3*k+3], s.Target[3*k:3*k+3]); differs != (v == 255) || v != 0 && v != 255 {
				t.Fatalf("%s: mask %d is %d, differs: %v", s.Kind, k, v, differs)
			}
			changed[s.Kind] += int(v) / 255
		}
	}
	for _, kind := range []string{Texture, CutPaste, Patch} {
		if changed[kind] == 0 {
			t.Errorf("%s changed nothing", kind)
		}
	}
}

func TestMixesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		mix  Mix
		want string
	}{
		{PaperMix(FormPaper), ""},
		{Mix{Clean: 1}, ""},
		{Mix{Clean: 0.5, Patch: 1}, ""},
		{PaperMix("cutmix"), `cutpaste "cutmix"`},
		{Mix{Clean: 0.5}, "switched off"},
		{Mix{Clean: 2, Texture: 1}, "0 to 1"},
		{Mix{Clean: 0.5, Texture: -1}, "0 to 1"},
	} {
		err := c.mix.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.mix, err, c.want)
		}
	}
	if _, err := New(4, 4, PaperMix(FormPaper), nil, nil); err == nil {
		t.Error("no pictures were taken")
	}
	if _, err := New(4, 4, PaperMix(FormPaper), Pool{make([]byte, 48), make([]byte, 47)}, nil); err == nil {
		t.Error("pictures of two sizes were taken")
	}
}
