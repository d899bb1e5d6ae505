package examine

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/fair/golden"
	"faird/inspect"

	"faird/camera/imagefolder"
)

type colour = color.RGBA

func grey(t testing.TB, m *gocv.Mat) {
	t.Helper()
	ok(t, gocv.CvtColor(*m, m, gocv.ColorBGRToGray))
	ok(t, gocv.CvtColor(*m, m, gocv.ColorGrayToBGR))
}

func resized(w, h int) change {
	return func(t testing.TB, m *gocv.Mat) {
		ok(t, gocv.Resize(*m, m, image.Pt(w, h), 0, 0, gocv.InterpolationArea))
	}
}

func filled(v float64) change {
	return func(_ testing.TB, m *gocv.Mat) { m.SetTo(gocv.NewScalar(v, v, v, 0)) }
}

func TestWordsOnOneImageAmongOthers(t *testing.T) {
	for name, c := range map[string]struct {
		change change
		want   string
	}{
		"smaller": {resized(128, 128), "images have 2 sizes: 19 of 20 are 256x256; 007.png is 128x128"},
		"another shape": {
			resized(256, 128),
			"images have 2 sizes: 19 of 20 are 256x256; 007.png is 256x128; all are stretched to 128x128, whatever their shape",
		},
		"grey":        {grey, "grey images among colour ones: 1 of 20, such as 007.png"},
		"black":       {filled(0), "look at 1 image, unlike the others: 007.png (black)"},
		"overexposed": {light(8, 200), "look at 1 image, unlike the others: 007.png (overexposed)"},
		"dark":        {light(0.35, 0), "look at 1 image, unlike the others: 007.png (much darker)"},
		"bright":      {light(1.3, 60), "look at 1 image, unlike the others: 007.png (much brighter)"},
		"blurred": {func(t testing.TB, m *gocv.Mat) {
			ok(t, gocv.GaussianBlur(*m, m, image.Point{}, 6, 6, gocv.BorderReplicate))
		}, "look at 1 image, unlike the others: 007.png (blurred)"},
		"upside down": {func(t testing.TB, m *gocv.Mat) { ok(t, gocv.Flip(*m, m, 0)) }, ""},
		"another part": {func(t testing.TB, m *gocv.Mat) {
			mean := m.Mean()
			for i := range 64 { // a chequerboard as bright as the part
				v := byte(mean.Val2) - 30 + byte(i+i/8)%2*60
				at := image.Pt(i%8*32, i/8*32)
				ok(t, gocv.Rectangle(m, image.Rectangle{at, at.Add(image.Pt(31, 31))}, colour{R: v, G: v, B: v - 9}, -1))
			}
		}, "look at 1 image, unlike the others: 007.png (shows something else)"},
	} {
		images := parts(t, 31, 20, 256)
		images[7] = changed(t, images[7], c.change)
		r := examined(t, 128, 128, images...)
		want := []string{c.want}
		if c.want == "" {
			want = nil
		}
		if !slices.Equal(r.Words, want) {
			t.Errorf("%s: %q, want %q", name, r.Words, want)
		}
		if strings.HasPrefix(c.want, "look at") != (len(r.Outliers) == 1 && r.Outliers[0].Index == 7) {
			t.Errorf("%s: outliers %v", name, r.Outliers)
		}
	}
}

func TestColourAmongGrey(t *testing.T) {
	images := parts(t, 32, 10, 128)
	for i := range images {
		if i != 3 {
			grey(t, &images[i])
		}
	}
	if r := examined(t, 128, 128, images...); !slices.Equal(r.Words, []string{"colour images among grey ones: 1 of 10, such as 003.png"}) {
		t.Errorf("%q", r.Words)
	}
}

// Copies of a strange image do not vouch for one another, and of few images none
// is called strange.
func TestStrangers(t *testing.T) {
	images := parts(t, 33, 20, 128)
	for _, i := range []int{3, 4, 5, 6, 7, 8} {
		images[i] = changed(t, images[0], filled(0))
	}
	r := examined(t, 128, 128, images...)
	if want := "look at 6 images, unlike the others: 003.png (black), 004.png (black), 005.png (black), 3 more"; r.Words[len(r.Words)-1] != want {
		t.Errorf("%q", r.Words)
	}
	if r := examined(t, 128, 128, images[:4]...); len(r.Outliers) != 0 {
		t.Errorf("of four images %v", r.Outliers)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"good/1.png", "good/day/2.png"}, []string{"1.png", "day/2.png"}},
		{[]string{"/a/b/1.png", "/a/bc/2.png"}, []string{"b/1.png", "bc/2.png"}},
		{[]string{"/a/1.png", "/b/2.png"}, []string{"a/1.png", "b/2.png"}},
		{[]string{"1.png", "2.png"}, []string{"1.png", "2.png"}},
		{[]string{"../good/1.png"}, []string{"1.png"}},
	} {
		var views []*view
		for _, name := range c.names {
			views = append(views, &view{name: name})
		}
		shorten(views)
		for i, v := range views {
			if v.name != c.want[i] {
				t.Errorf("%q of %q, want %q", v.name, c.names[i], c.want[i])
			}
		}
	}
}

// Real good parts. None of these images was used to choose a constant. In bottle,
// 069.png and 070.png do show one bottle, as a person can see.
func TestRealParts(t *testing.T) {
	for folder, want := range map[string]int{"bottle/train/good": 208, "glassfibre/train/good": 90, "macaroni1/train/good": 150} {
		found, err := imagefolder.Find(golden.Shared(t, "FAIRD_DATASETS", "datasets") + "/" + folder)
		ok(t, err)
		s := New(128, 128)
		defer s.Close()
		for _, path := range found.Files {
			m, err := inspect.ReadPicture(path, 0)
			ok(t, err)
			pixels, err := inspect.AtSize(m, 128, 128)
			ok(t, err)
			ok(t, s.Add(path, pixels, image.Pt(m.Cols(), m.Rows())))
			ok(t, m.Close())
		}
		r := s.Report()
		if r.Parts != want || len(r.Words) > 2 {
			t.Errorf("%s: %d images count as %d parts, want %d: %q", folder, len(found.Files), r.Parts, want, r.Words)
		}
	}
}
