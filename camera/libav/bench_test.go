package libav

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkUndetected measures how often damage inside a slice goes unnoticed, of
// that which makes a difference to the picture: `go test ./camera/libav -run '^$'
// -bench Undetected -benchtime 200x`. Where bytes are missing on the way, the RTP
// and MPEG-TS counters tell; these figures are what the decoder alone is worth.
func BenchmarkUndetected(b *testing.B) {
	for _, s := range []struct {
		name     string
		settings []string
	}{
		{"H264", cameraH264},
		{"H264-B", plainH264},
		{"H264-slices", sliceH264},
		{"H264-CAVLC", cavlcH264},
		{"H265", cameraHEVC},
		{"H265-WPP-B", plainHEVC},
		{"H265-slices", sliceHEVC},
	} {
		codec, intact := units(b, encodeFrom(b, "testsrc2=size=320x240:rate=25,noise=alls=8:allf=t:all_seed=1", fileName(s.settings),
			append([]string{"-frames:v", "12"}, s.settings...)...))
		want := byTime(decode(b, Options{Codec: codec}, intact))
		for _, d := range []struct {
			name string
			do   func(slice []byte) []byte
		}{
			{"5%", func(n []byte) []byte { return n[:max(20, len(n)/20)] }},
			{"any", func(n []byte) []byte { return n[:20+rand.IntN(len(n)-20)] }},
			{"but64bytes", func(n []byte) []byte { return n[:max(20, len(n)-64)] }},
			{"but8bytes", func(n []byte) []byte { return n[:len(n)-8] }},
			{"bitflip", flipBit},
		} {
			b.Run(s.name+"/"+d.name, func(b *testing.B) {
				unnoticed := 0
				for b.Loop() {
					units := slices.Clone(intact)
					i := rand.IntN(len(units))
					units[i] = damageOne(b, codec, units[i], d.do)
					if differs(decode(b, Options{Codec: codec}, units), want) {
						unnoticed++
					}
				}
				b.ReportMetric(100*float64(unnoticed)/float64(b.N), "%unnoticed")
			})
		}
	}
}

func flipBit(slice []byte) []byte {
	out := slices.Clone(slice)
	out[12+rand.IntN(len(out)-12)] ^= 1 << rand.IntN(8)
	return out
}

// damageOne does something to one slice of an access unit.
func damageOne(t testing.TB, codec string, unit []byte, do func([]byte) []byte) []byte {
	t.Helper()
	nals, err := annexB.split(unit)
	if err != nil {
		t.Fatal(err)
	}
	var of []int
	for i, n := range nals {
		if isSlice(codec, n) && len(n) > 40 {
			of = append(of, i)
		}
	}
	if len(of) > 0 {
		i := of[rand.IntN(len(of))]
		nals[i] = do(nals[i])
	}
	return join(nil, nals...)
}

func differs(got []answer, want map[int64][16]byte) bool {
	return slices.ContainsFunc(got, func(a answer) bool { return a.err == nil && a.digest != want[a.pts] })
}
