package fair_test

import (
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"gocv.io/x/gocv"

	"faird/fair"
)

// reference is the score in OpenCV's own operations: a second opinion on the
// kernels, and what they are measured against. Two scales; no ignore mask.
type reference struct {
	scoring          fair.Scoring
	size             image.Point
	original         gocv.Mat // CV_32FC3
	restored         gocv.Mat
	prewittX         gocv.Mat
	prewittY         gocv.Mat
	gradient, colour gocv.Mat
	smoothed         gocv.Mat
	temp             [12]gocv.Mat
	err              error
}

func newReference(t testing.TB, h, w int, s fair.Scoring) *reference {
	t.Helper()
	r := &reference{scoring: s, size: image.Pt(w, h)}
	r.original, r.restored = gocv.NewMatWithSize(h, w, gocv.MatTypeCV32FC3), gocv.NewMatWithSize(h, w, gocv.MatTypeCV32FC3)
	r.prewittX, r.prewittY = gocv.NewMatWithSize(3, 3, gocv.MatTypeCV32F), gocv.NewMatWithSize(3, 3, gocv.MatTypeCV32F)
	for i := range 3 {
		for j := range 3 {
			r.prewittX.SetFloatAt(i, j, float32(1-j)/3)
			r.prewittY.SetFloatAt(i, j, float32(1-i)/3)
		}
	}
	mats := []*gocv.Mat{&r.gradient, &r.colour, &r.smoothed}
	for i := range r.temp {
		mats = append(mats, &r.temp[i])
	}
	for _, m := range mats {
		*m = gocv.NewMat()
	}
	t.Cleanup(func() {
		for _, m := range append(mats, &r.original, &r.restored, &r.prewittX, &r.prewittY) {
			_ = m.Close()
		}
	})
	return r
}

// set fills a CV_32FC3 picture from planes.
func set(t testing.TB, picture gocv.Mat, planes []float32) {
	t.Helper()
	data, err := picture.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	n := len(planes) / 3
	for i := range data {
		data[i] = planes[i%3*n+i/3]
	}
}

func (r *reference) do(errs ...error) { r.err = errors.Join(append(errs, r.err)...) }

// magnitudes2 is the squared gradient magnitude plus 1e-12 of each channel.
func (r *reference) magnitudes2(picture gocv.Mat, dst, temp *gocv.Mat) {
	r.do(
		gocv.Filter2D(picture, dst, gocv.MatTypeCV32F, r.prewittX, image.Pt(-1, -1), 0, gocv.BorderConstant),
		gocv.Filter2D(picture, temp, gocv.MatTypeCV32F, r.prewittY, image.Pt(-1, -1), 0, gocv.BorderConstant),
		gocv.Multiply(*dst, *dst, dst), gocv.Multiply(*temp, *temp, temp),
		gocv.AddWeighted(*dst, 1, *temp, 1, 1e-12, dst),
	)
}

// gms is the mean over the channels of one scale's similarity.
func (r *reference) gms(original, restored gocv.Mat, dst *gocv.Mat) {
	const c = 0.0026
	m0, m1, product := &r.temp[0], &r.temp[1], &r.temp[2]
	r.magnitudes2(original, m0, product)
	r.magnitudes2(restored, m1, product)
	r.do(gocv.Multiply(*m0, *m1, product))
	r.do(gocv.Pow(*product, 0.5, product))
	r.do(
		gocv.AddWeighted(*product, 2, *product, 0, c, product),
		gocv.AddWeighted(*m0, 1, *m1, 1, c, m0),
		gocv.Divide(*product, *m0, product),
		gocv.Transform(*product, dst, r.thirds()),
	)
}

func (r *reference) thirds() gocv.Mat {
	if r.temp[3].Empty() {
		_ = r.temp[3].Close()
		r.temp[3] = gocv.NewMatWithSizeFromScalar(gocv.NewScalar(1/3.0, 0, 0, 0), 1, 3, gocv.MatTypeCV32F)
	}
	return r.temp[3]
}

func (r *reference) gradientMap() {
	half := image.Pt(r.size.X/2, r.size.Y/2)
	full, low := &r.temp[4], &r.temp[5]
	r.gms(r.original, r.restored, full)
	r.do(
		gocv.Resize(r.original, &r.temp[6], half, 0, 0, gocv.InterpolationArea),
		gocv.Resize(r.restored, &r.temp[7], half, 0, 0, gocv.InterpolationArea),
	)
	r.gms(r.temp[6], r.temp[7], low)
	r.do(
		gocv.Resize(*low, &r.gradient, r.size, 0, 0, gocv.InterpolationLinear),
		gocv.AddWeighted(*full, -0.5, r.gradient, -0.5, 1, &r.gradient),
	)
}

func (r *reference) colourMap(t testing.TB) {
	t.Helper()
	clipped, difference := &r.temp[8], &r.temp[9]
	gocv.Threshold(r.restored, clipped, 1, 1, gocv.ThresholdTrunc)
	gocv.Threshold(*clipped, clipped, 0, 0, gocv.ThresholdToZero)
	r.do(
		gocv.CvtColor(r.original, difference, gocv.ColorBGRToLab),
		gocv.CvtColor(*clipped, clipped, gocv.ColorBGRToLab),
		gocv.Subtract(*difference, *clipped, difference),
		gocv.Multiply(*difference, *difference, difference),
	)
	if r.temp[10].Empty() {
		_ = r.temp[10].Close()
		r.temp[10] = gocv.NewMatWithSizeFromScalar(gocv.NewScalar(1, 0, 0, 0), 1, 3, gocv.MatTypeCV32F)
		r.temp[10].SetFloatAt(0, 0, 0) // L does not count
	}
	r.do(gocv.Transform(*difference, &r.colour, r.temp[10]))
}

// smooth pads with zeros, because gocv's BoxFilter takes no border.
func (r *reference) smooth() float64 {
	radius := r.scoring.Smooth / 2
	raw, padded := &r.temp[8], &r.temp[11]
	r.do(
		gocv.AddWeighted(r.gradient, 1, r.colour, r.scoring.K, 0, raw),
		gocv.CopyMakeBorder(*raw, padded, radius, radius, radius, radius, gocv.BorderConstant, blank),
		gocv.BoxFilter(*padded, padded, -1, image.Pt(r.scoring.Smooth, r.scoring.Smooth)),
	)
	inner := padded.Region(image.Rectangle{Max: r.size}.Add(image.Pt(radius, radius)))
	defer inner.Close()
	r.do(inner.CopyTo(&r.smoothed))
	_, peak, _, _ := gocv.MinMaxLoc(r.smoothed)
	return float64(peak)
}

func (r *reference) score(t testing.TB) float64 {
	t.Helper()
	r.gradientMap()
	r.colourMap(t)
	return r.smooth()
}

// pair makes a smooth picture and a restoration that is off in places, some of
// it outside of 0..1.
func pair(h, w int) (original, restored []float32) {
	r := rand.New(rand.NewPCG(7, 8))
	original, restored = make([]float32, 3*h*w), make([]float32, 3*h*w)
	for i := range original {
		x, y, c := i%w, i/w%h, i/(w*h)
		original[i] = min(max(0.5+0.4*float32((x*y/7+13*c)%31-15)/15+0.1*(r.Float32()-0.5), 0), 1)
		restored[i] = original[i] + 0.05*(r.Float32()-0.5)
		if x > w/2 && y > h/2 {
			restored[i] += 0.3 * float32(c-1)
		}
	}
	return original, restored
}

func TestScorerAgreesWithOpenCV(t *testing.T) {
	for _, size := range []image.Point{{64, 64}, {128, 48}, {96, 160}} {
		h, w := size.Y, size.X
		original, restored := pair(h, w)
		r := newReference(t, h, w, fair.DefaultScoring())
		set(t, r.original, original)
		set(t, r.restored, restored)
		want := r.score(t)
		if r.err != nil {
			t.Fatal(r.err)
		}
		s, err := fair.NewScorer(h, w, fair.DefaultScoring())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got := s.Score(original, restored, nil)
		for _, m := range []struct {
			name      string
			got       []float32
			mat       gocv.Mat
			tolerance float64 // of the maximum
		}{
			{"gradient", s.Maps().Gradient, r.gradient, 1e-5},
			{"colour", s.Maps().Colour, r.colour, 1.5e-2}, // OpenCV's float Lab uses tables
			{"map", s.Map(), r.smoothed, 3e-3},
		} {
			data, err := m.mat.DataPtrFloat32()
			if err != nil {
				t.Fatal(err)
			}
			deviation, maximum := largest(m.got, data)
			t.Logf("%v %s: deviation %.2g of %.2g", size, m.name, deviation, maximum)
			if !(deviation <= m.tolerance*maximum) {
				t.Errorf("%v %s: off by %g of %g", size, m.name, deviation, maximum)
			}
		}
		if d := got/want - 1; d > 3e-3 || d < -3e-3 {
			t.Errorf("%v: score %v, OpenCV %v", size, got, want)
		}
	}
}

// BenchmarkOpenCV times the counterparts of [BenchmarkStages].
func BenchmarkOpenCV(b *testing.B) {
	original, restored := pair(256, 256)
	r := newReference(b, 256, 256, fair.DefaultScoring())
	set(b, r.original, original)
	set(b, r.restored, restored)
	r.score(b)
	for _, stage := range []struct {
		name string
		run  func()
	}{
		{"gradient", r.gradientMap},
		{"colour", func() { r.colourMap(b) }},
		{"smooth", func() { r.smooth() }},
		{"score", func() { r.score(b) }},
	} {
		b.Run(stage.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stage.run()
			}
		})
	}
	if r.err != nil {
		b.Fatal(r.err)
	}
}
