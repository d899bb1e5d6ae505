package examine

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/inspect"
)

// parts are images of parts of the simulated line, all of them different.
func parts(t testing.TB, seed uint64, n, size int) []gocv.Mat {
	t.Helper()
	l := line.New(line.Options{Seed: seed, Size: size})
	defer l.Close()
	out := make([]gocv.Mat, n)
	for i := range out {
		out[i] = gocv.NewMat()
		l.Render(uint64(i), &out[i])
		m := out[i]
		t.Cleanup(func() { _ = m.Close() })
	}
	return out
}

// change makes another image out of one.
type change func(t testing.TB, m *gocv.Mat)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func jpeg(quality int) change {
	return func(t testing.TB, m *gocv.Mat) {
		data, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *m, []int{gocv.IMWriteJpegQuality, quality})
		ok(t, err)
		defer data.Close()
		decoded, err := gocv.IMDecode(data.GetBytes(), gocv.IMReadColor)
		ok(t, err)
		defer decoded.Close()
		ok(t, decoded.CopyTo(m))
	}
}

func light(gain, offset float32) change {
	return func(t testing.TB, m *gocv.Mat) { ok(t, m.ConvertToWithParams(m, gocv.MatTypeCV8UC3, gain, offset)) }
}

// moved shows the part so many camera pixels further to the right and down.
func moved(dx, dy int) change {
	return func(t testing.TB, m *gocv.Mat) {
		whole := gocv.NewMat()
		defer whole.Close()
		ok(t, gocv.CopyMakeBorder(*m, &whole, max(dy, 0), max(-dy, 0), max(dx, 0), max(-dx, 0), gocv.BorderReplicate, colour{}))
		at := image.Pt(max(-dx, 0), max(-dy, 0))
		part := whole.Region(image.Rectangle{at, at.Add(image.Pt(m.Cols(), m.Rows()))})
		defer part.Close()
		ok(t, part.CopyTo(m))
	}
}

func noise(sigma float64, seed uint64) change {
	return func(t testing.TB, m *gocv.Mat) {
		pixels, err := m.DataPtrUint8()
		ok(t, err)
		r := rand.New(rand.NewPCG(seed, 1))
		for i, v := range pixels {
			pixels[i] = byte(min(max(float64(v)+sigma*r.NormFloat64(), 0), 255))
		}
	}
}

// changed is a copy of an image with changes.
func changed(t testing.TB, m gocv.Mat, changes ...change) gocv.Mat {
	t.Helper()
	out := m.Clone()
	t.Cleanup(func() { _ = out.Close() })
	for _, c := range changes {
		c(t, &out)
	}
	return out
}

// examined is the report on images, at the size of a model.
func examined(t testing.TB, w, h int, images ...gocv.Mat) *Report {
	t.Helper()
	s := New(w, h)
	defer s.Close()
	for i, m := range images {
		pixels, err := inspect.AtSize(m, w, h)
		ok(t, err)
		ok(t, s.Add(fmt.Sprintf("good/%03d.png", i), pixels, image.Pt(m.Cols(), m.Rows())))
	}
	return s.Report()
}

// sizes are a camera's and a model's.
var sizesTried = []struct{ camera, w, h int }{{256, 128, 128}, {640, 128, 128}, {320, 256, 256}, {128, 128, 128}, {128, 64, 64}, {256, 160, 96}}

func TestCopiesAreOnePart(t *testing.T) {
	for _, size := range sizesTried {
		part := parts(t, 21, 1, size.camera)[0]
		copies := map[string][]change{
			"itself":          nil,
			"JPEG 75":         {jpeg(75)},
			"JPEG 50":         {jpeg(50)},
			"brighter":        {light(1.1, 5)},
			"darker":          {light(0.9, -5)},
			"right":           {moved(1, 0)},
			"up":              {moved(0, -1)},
			"left and down":   {moved(-1, 1)},
			"sensor's noise":  {noise(5, 1)},
			"brighter JPEG":   {light(1.08, 4), jpeg(75)},
			"a video's frame": {moved(1, 1), light(1.05, 2), noise(3, 2), jpeg(75)},
		}
		for name, changes := range copies {
			if r := examined(t, size.w, size.h, part, changed(t, part, changes...)); r.Parts != 1 {
				t.Errorf("%v: %s is another part", size, name)
			}
		}
	}
}

func TestDifferentPartsAreDifferent(t *testing.T) {
	for _, size := range sizesTried {
		if r := examined(t, size.w, size.h, parts(t, 22, 40, size.camera)...); r.Parts != 40 || len(r.Words) != 0 {
			t.Errorf("%v: 40 parts count as %d: %q", size, r.Parts, r.Words)
		}
	}
}

// What a camera sees of a fine texture is as random as noise, and still no two
// pieces of it are one.
func TestPiecesOfATextureAreDifferent(t *testing.T) {
	var images []gocv.Mat
	for i := range 20 {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 100, 110, 0), 128, 128, gocv.MatTypeCV8UC3)
		defer m.Close()
		pixels, err := m.DataPtrUint8()
		ok(t, err)
		r := rand.New(rand.NewPCG(uint64(i), 3))
		for k := 0; k < len(pixels); k += 3 {
			v := byte(100 + 20*r.NormFloat64() + float64(k%384)/12) // under light from the side
			pixels[k], pixels[k+1], pixels[k+2] = v, v, v
		}
		images = append(images, m)
	}
	if r := examined(t, 128, 128, images...); r.Parts != 20 {
		t.Errorf("20 pieces count as %d", r.Parts)
	}
}

func TestSixtyCopiesAmongOthers(t *testing.T) {
	images := parts(t, 23, 31, 128)
	for i := range 59 {
		images = append(images, changed(t, images[4], noise(2, uint64(i)), light(1+float32(i%5)/50, 0)))
	}
	r := examined(t, 128, 128, images...)
	if r.Parts != 31 {
		t.Fatalf("31 parts count as %d", r.Parts)
	}
	for i, p := range r.Part {
		if want := i; i < 31 && p != want || i >= 31 && p != 4 {
			t.Errorf("image %d shows part %d", i, p)
		}
	}
	if want := []string{"90 images show 31 different parts: near-duplicates count once, such as 004.png and 031.png"}; !slices.Equal(r.Words, want) {
		t.Errorf("%q", r.Words)
	}
}

func TestDistinct(t *testing.T) {
	part := parts(t, 24, 1, 128)[0]
	s := New(128, 128)
	defer s.Close()
	s.Distinct = true
	for range 3 {
		pixels, err := inspect.AtSize(part, 128, 128)
		ok(t, err)
		ok(t, s.Add("x.png", pixels, image.Point{}))
	}
	if r := s.Report(); r.Parts != 3 || len(r.Words) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNoImages(t *testing.T) {
	if r := examined(t, 64, 64); r.Parts != 0 || len(r.Words) != 0 || len(r.Outliers) != 0 {
		t.Errorf("%+v", r)
	}
}

// Blank images have nothing to align or to scale, and must not upset the fit.
func TestBlankImages(t *testing.T) {
	var images []gocv.Mat
	for _, v := range []float64{0, 0, 77, 77, 255} {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(v, v, v, 0), 64, 64, gocv.MatTypeCV8UC3)
		defer m.Close()
		images = append(images, m)
	}
	if r := examined(t, 64, 64, images...); r.Parts != 1 {
		t.Errorf("blank images count as %d parts", r.Parts)
	}
}

// The comparison stays within its bounds for as many images as a training takes.
func BenchmarkReport(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			some := parts(b, 25, 100, 128)
			s := New(128, 128)
			defer s.Close()
			for i := range n {
				m := some[i%100].Clone()
				noise(3, uint64(i))(b, &m)
				ok(b, s.Add("x", m.ToBytes(), image.Point{}))
				ok(b, m.Close())
			}
			for b.Loop() {
				if r := s.Report(); r.Parts != 100 {
					b.Errorf("%d parts", r.Parts)
				}
			}
		})
	}
}
