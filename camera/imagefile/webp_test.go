package imagefile

import (
	"bytes"
	"testing"

	"gocv.io/x/gocv"

	"faird/verdict"
)

func webps(t testing.TB) map[string][]byte { return webpsOf(t, 83, 61) }

func webpsOf(t testing.TB, width, height int) map[string][]byte {
	t.Helper()
	m := scene(t, width, height)
	return map[string][]byte{
		"lossy":    encode(t, ".webp", m, gocv.IMWriteWebpQuality, 80),
		"lossless": encode(t, ".webp", m, gocv.IMWriteWebpQuality, 101),
	}
}

func TestWebPPixelsAreThoseOfOpenCV(t *testing.T) { readsAsOpenCV(t, webps(t)) }

func TestWebPDamage(t *testing.T) {
	data := webps(t)["lossless"]
	noise := bytes.Clone(data)
	for i := 40; i < len(noise); i++ {
		noise[i] = byte(i * i)
	}
	huge := bytes.Clone(data[:40])
	huge[4], huge[5], huge[16], huge[17] = 32, 0, 20, 0   // the container's and the chunk's length
	copy(huge[20:], []byte{0x2f, 0xff, 0xff, 0xff, 0x0f}) // 16384x16384
	wantFaults(t, map[string]faulty{
		"after the end": {join(data, []byte("more")), ""},
		"half":          {data[:len(data)/2], verdict.Incomplete},
		"noise":         {noise, verdict.Damaged},
		"huge":          {huge, verdict.TooLarge},
		"empty":         {[]byte("RIFF\x04\x00\x00\x00WEBP"), verdict.Damaged},
	})
}

func FuzzWebP(f *testing.F) {
	for _, data := range webpsOf(f, 24, 17) {
		f.Add(data)
	}
	fuzz(f, func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error) {
		if !isWebP(data) {
			return Header{}, unsupported("no WebP")
		}
		return d.decodeWebP(data, dst)
	})
}
