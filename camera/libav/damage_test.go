package libav

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"faird/camera/fault"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// A damage is done to one access unit: to the NAL units of its slices.
type damage struct {
	name string
	do   func(slices [][]byte) [][]byte
}

// cut leaves a share of the last slice, in percent.
func cut(percent int) damage {
	return damage{fmt.Sprintf("%d%% of a slice", percent), func(s [][]byte) [][]byte {
		last := s[len(s)-1]
		return append(s[:len(s)-1:len(s)-1], last[:max(20, len(last)*percent/100)])
	}}
}

// drop leaves out one slice: the first, the last, or one between.
func drop(n func(slices int) int) func(s [][]byte) [][]byte {
	return func(s [][]byte) [][]byte {
		i := n(len(s))
		return append(s[:i:i], s[i+1:]...)
	}
}

var (
	firstSlice  = damage{"no first slice", drop(func(int) int { return 0 })}
	middleSlice = damage{"no middle slice", drop(func(n int) int { return n / 2 })}
	lastSlice   = damage{"no last slice", drop(func(n int) int { return n - 1 })}
)

func (d damage) apply(t *testing.T, codec string, unit []byte) []byte {
	t.Helper()
	nals, err := annexB.split(unit)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(nals, func(n []byte) bool { return isSlice(codec, n) })
	if at < 0 {
		t.Fatal("no slice in the access unit")
	}
	return join(nil, append(nals[:at:at], d.do(nals[at:])...)...)
}

func isSlice(codec string, nal []byte) bool {
	if codec == "hevc" {
		return nal[0]>>1&63 <= hevcLastVCL
	}
	return nal[0]&31 == h264Slice || nal[0]&31 == h264IDR
}

// Whichever picture is damaged, and however: it is a fault, nothing is delivered
// that differs from the intact stream's, every picture is answered for once, and
// from the next key picture on all is well.
func TestDamageIsNotDelivered(t *testing.T) {
	const pictures = 24
	for _, c := range []struct {
		name     string
		settings []string
		damages  []damage
	}{
		{"H.264 camera", cameraH264, []damage{cut(5), cut(50), cut(90)}},
		{"H.264 B", plainH264, []damage{cut(5), cut(50)}},
		{"H.264 CAVLC", cavlcH264, []damage{cut(5), cut(50), cut(95)}},
		{"H.264 slices", sliceH264, []damage{cut(5), firstSlice, middleSlice, lastSlice}},
		{"H.264 open GOP", openH264, []damage{cut(5)}},
		{"H.265 camera", cameraHEVC, []damage{cut(5), cut(50)}},
		{"H.265 B", plainHEVC, []damage{cut(5)}},
		{"H.265 closed GOP", closedHEVC, []damage{cut(10)}},
		{"H.265 slices", sliceHEVC, []damage{firstSlice, middleSlice, lastSlice}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			codec, intact := stream(t, c.settings, pictures)
			want := byTime(decode(t, Options{Codec: codec}, intact))
			if len(want) != pictures {
				t.Fatalf("%d of %d pictures of the intact stream came", len(want), pictures)
			}
			for i := range pictures {
				d := c.damages[i%len(c.damages)]
				threads := 1 + i%2*2
				units := slices.Clone(intact)
				units[i] = d.apply(t, codec, units[i])
				o := Options{Codec: codec, Threads: threads, LowDelay: c.name == "H.264 slices"} // slice threads
				got := decode(t, o, units)
				checkDamaged(t, fmt.Sprintf("%s of picture %d, %d threads", d.name, i, threads), got, want, int64(i))
			}
		})
	}
}

func checkDamaged(t *testing.T, what string, got []answer, want map[int64][16]byte, damaged int64) {
	t.Helper()
	seen := map[int64]bool{}
	good := 0
	for _, a := range got {
		switch {
		case seen[a.pts]:
			t.Errorf("%s: picture %d comes twice", what, a.pts)
		case a.err == nil && a.digest != want[a.pts]:
			t.Errorf("%s: picture %d is delivered and differs", what, a.pts)
		case a.err == nil && a.pts == damaged:
			t.Errorf("%s: it is delivered", what)
		}
		seen[a.pts] = true
		if a.err == nil {
			good++
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%s: %d answers for %d pictures", what, len(seen), len(want))
	}
	if good < len(want)/3 {
		t.Errorf("%s: only %d of %d pictures are left", what, good, len(want))
	}
}

// A whole access unit that never arrives is noticed at the next that needs it.
func TestMissingPicture(t *testing.T) {
	const pictures = 24
	for name, settings := range map[string][]string{
		"H.264 camera": cameraH264, "H.264 B": plainH264, "H.265 camera": cameraHEVC, "H.265 B": plainHEVC,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codec, intact := stream(t, settings, pictures)
			want := byTime(decode(t, Options{Codec: codec}, intact))
			for i := range pictures {
				for _, threads := range []int{1, 3} {
					units := slices.Clone(intact)
					units[i] = join(nil, []byte{6, 5, 1, 0, 0x80}) // a message in the place of the picture
					if codec == "hevc" {
						units[i] = join(nil, []byte{78, 1, 5, 1, 0, 0x80})
					}
					for _, a := range decode(t, Options{Codec: codec, Threads: threads}, units) {
						if a.err == nil && a.digest != want[a.pts] {
							t.Errorf("without picture %d, picture %d is delivered and differs (%d threads)", i, a.pts, threads)
						}
					}
				}
			}
		})
	}
}

// Whoever joins in the middle gets nothing before the next key picture, and
// leading pictures only where what they refer to was there.
func TestJoining(t *testing.T) {
	for name, settings := range map[string][]string{
		"H.264": cameraH264, "H.264 B": plainH264, "H.264 open GOP": openH264, "H.265": cameraHEVC, "H.265 open GOP": plainHEVC,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codec, intact := stream(t, settings, 24)
			want := byTime(decode(t, Options{Codec: codec}, intact))
			sets := parameterUnits(t, codec, intact[0])
			for from := range 12 {
				d, err := NewDecoder(Options{Codec: codec, Extradata: sets})
				if err != nil {
					t.Fatal(err)
				}
				got := play(t, d, intact[from:])
				good := 0
				for _, a := range got {
					a.pts += int64(from)
					if a.err == nil && a.digest != want[a.pts] {
						t.Errorf("joining at %d, picture %d is delivered and differs", from, a.pts)
					}
					if a.err == nil {
						good++
					}
				}
				if len(got) != 24-from || good < 5 {
					t.Errorf("joining at %d: %d of %d answers, %d of them pictures", from, len(got), 24-from, good)
				}
				if err := got[0].err; from == 1 && !errors.Is(err, ErrNoKey) {
					t.Errorf("the first answer is %v, want %v", err, ErrNoKey)
				}
			}
		})
	}
}

// parameterUnits are the parameter sets of an access unit.
func parameterUnits(t *testing.T, codec string, unit []byte) []byte {
	t.Helper()
	nals, err := annexB.split(unit)
	if err != nil {
		t.Fatal(err)
	}
	return join(nil, slices.DeleteFunc(nals, func(n []byte) bool { return isSlice(codec, n) })...)
}

// A decoder that once failed is not used again: libavcodec adds what is left of the
// macroblock that failed to the next picture, be it a key picture.
func TestKeyPictureAfterAnErrorIsIntact(t *testing.T) {
	codec, intact := stream(t, cavlcH264, 24)
	want := byTime(decode(t, Options{Codec: codec}, intact))
	for _, damaged := range []int{5, 7} { // the picture right before a key picture, too
		d, err := NewDecoder(Options{Codec: codec, LowDelay: true})
		if err != nil {
			t.Fatal(err)
		}
		m := gocv.NewMat()
		for i, u := range intact {
			if i == damaged {
				u = cut(5).apply(t, codec, u)
			}
			p, err := d.Decode(u, int64(i), &m)
			a := answerOf(t, p, err, &m)
			if bad := i >= damaged && i < 8; (a.err != nil) != bad || !bad && a.digest != want[a.pts] {
				t.Errorf("picture %d, with %d damaged: %v", i, damaged, a.err)
			}
		}
		m.Close()
		_ = d.Close()
	}
}

// Where the encoder adds checksums (SEI decoded picture hash), flipped bits are
// found that no syntax betrays.
func TestChecksums(t *testing.T) {
	codec, intact := stream(t, hashedHEVC, 16)
	want := byTime(decode(t, Options{Codec: codec}, intact))
	for i := range 16 {
		units := slices.Clone(intact)
		units[i] = slices.Clone(units[i])
		units[i][len(units[i])*2/3] ^= 0x10
		got := decode(t, Options{Codec: codec}, units)
		checkDamaged(t, fmt.Sprintf("a bit of picture %d", i), got, want, int64(i))
	}
}

func TestFaultsSayWhat(t *testing.T) {
	codec, intact := stream(t, cameraH264, 16)
	units := slices.Clone(intact)
	units[3] = cut(5).apply(t, codec, units[3])
	got := decode(t, Options{Codec: codec}, units)
	if c := fault.Of(got[3].err); c != verdict.Damaged && c != verdict.Incomplete {
		t.Errorf("fault %q: %v", c, got[3].err)
	}
	if err := got[4].err; err == nil || !strings.Contains(err.Error(), "built on a damaged picture") {
		t.Errorf("the picture after it: %v", err)
	}
	if got[8].err != nil {
		t.Errorf("the next key picture: %v", got[8].err)
	}
}
