package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"faird/eval"
	"faird/fair"
	"faird/model"
	"faird/verdict"
)

func ptr[T any](v T) *T { return &v }

func picture(name string, score float64, kind string, v verdict.Kind) eval.Picture {
	return eval.Picture{
		Item:  eval.Item{Name: name, Kind: kind, Defective: kind != "good"},
		Score: score, Verdict: v, Views: &eval.Views{W: 4, H: 3, Picture: []byte("p"), Restored: []byte("r"), Map: []byte("m")},
	}
}

func TestWorstFirst(t *testing.T) {
	pictures := []eval.Picture{
		picture("right, far", 0.01, "good", verdict.Pass),
		picture("right, close", 0.29, "good", verdict.Pass),
		picture("rejected a little", 0.31, "good", verdict.Fail),
		picture("rejected badly", 0.5, "good", verdict.Fail),
		picture("held", 0.25, "hole", verdict.Review),
		picture("missed a little", 0.19, "hole", verdict.Pass),
		picture("missed badly", 0.05, "hole", verdict.Pass),
		picture("found", 0.4, "hole", verdict.Fail),
	}
	want := []string{
		"missed badly", "missed a little", "rejected badly", "rejected a little",
		"held", "right, close", "found", "right, far",
	}
	if got := names(worstFirst(pictures, ptr(0.3))); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// Without a threshold, what lies deepest among the other kind comes first.
func TestWorstFirstWithoutThreshold(t *testing.T) {
	pictures := []eval.Picture{
		picture("good low", 0.1, "good", ""), picture("good high", 0.5, "good", ""),
		picture("hole lowest", 0.05, "hole", ""), picture("hole high", 0.6, "hole", ""), picture("hole low", 0.3, "hole", ""),
	}
	want := []string{"hole lowest", "good high", "hole low", "good low", "hole high"}
	if got := names(worstFirst(pictures, nil)); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func names(pictures []eval.Picture) []string {
	var out []string
	for _, p := range pictures {
		out = append(out, p.Name)
	}
	return out
}

// The area under the drawn curve is the AUROC that is printed.
func TestCurveIsTheAUROC(t *testing.T) {
	for _, c := range []struct{ good, bad []float64 }{
		{[]float64{0.1, 0.2, 0.4}, []float64{0.3, 0.5}},
		{[]float64{0.1, 0.2}, []float64{0.3, 0.4}},
		{[]float64{0.1, 0.3, 0.3}, []float64{0.1, 0.3, 0.5}},
		{[]float64{0.5}, []float64{0.5}},
	} {
		points := roc(c.good, c.bad)
		area := 0.0
		for i := 1; i < len(points); i++ {
			area += (points[i].rejected - points[i-1].rejected) * (points[i].found + points[i-1].found) / 2
		}
		defective := append(make([]bool, len(c.good)), slices.Repeat([]bool{true}, len(c.bad))...)
		want, err := fair.AUROC(slices.Concat(c.good, c.bad), defective)
		if err != nil || math.Abs(area-want) > 1e-12 {
			t.Errorf("good %v, bad %v: area %v, AUROC %v, %v", c.good, c.bad, area, want, err)
		}
		if last := points[len(points)-1]; last != (point{1, 1}) {
			t.Errorf("the curve ends at %v", last)
		}
	}
}

func TestHistogramCountsAll(t *testing.T) {
	for _, scores := range [][]float64{{0.1, 0.2, 0.9}, {5, 5.1, 5.2}, {0}, {1e-9, 1e-8}} {
		n := 0
		for _, k := range count(scores, spanOf(scores, nil, ptr(0.01))) {
			n += k
		}
		if n != len(scores) {
			t.Errorf("%v: %d counted", scores, n)
		}
	}
}

func TestSpan(t *testing.T) {
	if s := spanOf([]float64{0.1}, []float64{0.5}, nil); s.from != 0 || s.to < 0.5 {
		t.Errorf("%+v", s)
	}
	if s := spanOf([]float64{0.52}, []float64{0.7}, nil); !(s.from > 0.4 && s.from < 0.52) {
		t.Errorf("%+v: half of the plot would be empty", s)
	}
	if s := spanOf(nil, nil, nil); !(s.to > s.from) {
		t.Errorf("%+v", s)
	}
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		span float64
		most int
		want float64
	}{{0.67, 6, 0.2}, {10, 5, 2}, {11, 5, 5}, {0.05, 6, 0.01}, {0, 6, 1}} {
		if got := step(c.span, c.most); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step(%v, %d) = %v, want %v", c.span, c.most, got, c.want)
		}
	}
}

// sample is an evaluation with every thing that a page can show.
func sample() (About, *eval.Evaluation) {
	pictures := []eval.Picture{
		picture("test/good/000.png", 0.1, "good", verdict.Pass),
		picture("test/good/<b>.png", 0.4, "good", verdict.Fail),
		picture("test/hole/000.png", 0.25, "hole", verdict.Review),
		picture("test/hole/001.png", 0.05, "hole", verdict.Pass),
	}
	pictures[3].Views.Truth = []byte("t")
	e := &eval.Evaluation{
		Set: &eval.Set{Shape: eval.ShapeMVTec}, Hash: "sha256:5e7", Review: ptr(0.2), Pictures: pictures,
		Broken: []error{errors.New("test/good/007.png: picture cannot be judged")}, Unmasked: 3,
	}
	var err error
	if e.Figures, err = eval.Measure(pictures, ptr(0.3)); err != nil {
		panic(err)
	}
	e.Model, e.PixelAUROC, e.AUPRO30 = "sha256:abc", ptr(0.987), ptr(0.654)
	file := &model.File{Spec: model.Spec{
		Width: 128, Height: 96, Filter: fair.DefaultFilter(),
		Calibration: &model.Calibration{N: 120, FalseReject: 0.001},
	}}
	made := time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC)
	return About{Data: "cap & lid", Model: "cap.onnx", File: file, Provider: "cpu", Version: "1.2", Made: made}, e
}

func render(t *testing.T, a About, e *eval.Evaluation) string {
	t.Helper()
	var b bytes.Buffer
	if err := Render(&b, a, e); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	a, e := sample()
	page := render(t, a, e)
	for _, words := range []string{
		"cap &amp; lid", "4 pictures, 2 good and 2 defective", "23 November 2026, 14:02 UTC", "sha256:abc", "sha256:5e7",
		"<b>1 of 2</b> good parts were rejected", "<b>2 of 2</b> defective parts were not rejected", "Of them, 1 went to a person for review",
		"98.7 %", "65.4 %", "0.3000", "0.2000", "120 good pictures, for a false-reject rate of 0.1%", "test/good/&lt;b&gt;.png",
		"test/good/007.png: picture cannot be judged", "3 defective pictures have no truth mask",
		"For the supplier", "For the customer", "Signature", "faird 1.2", "128 × 96 pixels", "data:image/jpeg;base64,",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	if n := strings.Count(page, "<img "); n != 4*3+1 {
		t.Errorf("%d pictures, want three for each of four and one truth", n)
	}
	if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "%!") {
		t.Error("a value did not get through the template")
	}
	first, second := strings.Index(page, "test/hole/001.png"), strings.LastIndex(page, "test/good/000.png")
	if first < 0 || first > second {
		t.Error("the slip-through does not come first")
	}
}

// One page, no network.
func TestPageIsSelfContained(t *testing.T) {
	page := render(t, func() About { a, _ := sample(); return a }(), func() *eval.Evaluation { _, e := sample(); return e }())
	if found := regexp.MustCompile(`(?i)(https?:)?//[a-z]|<link|<script|@import|url\(|src="[^d]`).FindString(page); found != "" {
		t.Errorf("the page asks for something outside: %q", found)
	}
}

func TestRenderWithoutThreshold(t *testing.T) {
	a, e := sample()
	a.File.Calibration = nil
	for i := range e.Pictures {
		e.Pictures[i].Verdict, e.Pictures[i].Views = "", nil
	}
	e.Review = nil
	e.Threshold, e.FalseReject, e.SlipThrough, e.PixelAUROC, e.AUPRO30 = nil, nil, nil, nil, nil
	page := render(t, a, e)
	for _, words := range []string{"No threshold", "not calibrated", "no threshold, not judged"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	for _, words := range []string{"Good parts rejected", "Pixel AUROC", "at the threshold"} {
		if strings.Contains(page, words) {
			t.Errorf("the page says %q", words)
		}
	}
}

// The words beside the threshold's point stay inside the chart, wherever it lies.
func TestThresholdsLabelIsInside(t *testing.T) {
	const words, wide = "at the threshold", 8 // SVG units of a letter, and more
	label := regexp.MustCompile(`<text x="([0-9.]+)" y="[0-9.]+" class="label" text-anchor="(\w+)">` + words)
	width := regexp.MustCompile(`viewBox="0 0 ([0-9.]+)`)
	good, bad := []float64{0.1, 0.2, 0.3, 0.4}, []float64{0.35, 0.5, 0.6}
	for _, threshold := range []float64{0.05, 0.15, 0.25, 0.35, 0.9} {
		drawn := string(curve(good, bad, &threshold))
		at, size := label.FindStringSubmatch(drawn), width.FindStringSubmatch(drawn)
		if at == nil || size == nil {
			t.Fatalf("no words at %v: %s", threshold, drawn)
		}
		x, err := strconv.ParseFloat(at[1], 64)
		w, wrong := strconv.ParseFloat(size[1], 64)
		from, to := x, x+wide*float64(len(words))
		if at[2] == "end" {
			from, to = x-wide*float64(len(words)), x
		}
		if err != nil || wrong != nil || from < 0 || to > w {
			t.Errorf("at %v the words go from %v to %v of %v, %v", threshold, from, to, w, err)
		}
	}
}

// Pictures of one kind only have no ROC curve, but a page.
func TestRenderOneKind(t *testing.T) {
	a, e := sample()
	e.Pictures = e.Pictures[:2]
	var err error
	if e.Figures, err = eval.Measure(e.Pictures, ptr(0.3)); err != nil {
		t.Fatal(err)
	}
	if page := render(t, a, e); strings.Contains(page, "ROC curve") || strings.Contains(page, "NaN") || !strings.Contains(page, "1 of 2") {
		t.Error("the page of good pictures alone is wrong")
	}
}

func TestWrite(t *testing.T) {
	a, e := sample()
	dir := filepath.Join(t.TempDir(), "new", "report")
	path, err := Write(dir, a, e)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.HasSuffix(bytes.TrimSpace(data), []byte("</html>")) {
		t.Errorf("%s is not whole: %v", path, err)
	}
	if _, err := Write(path, a, e); err == nil || !strings.Contains(err.Error(), "report") {
		t.Errorf("error %v for a folder that is a file", err)
	}
}

func TestKinds(t *testing.T) {
	_, e := sample()
	got := fmt.Sprint(kinds(e.Pictures))
	if want := "[{good false 2 1 0 0.1 0.25 0.4} {hole true 2 1 1 0.05 0.15 0.25}]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
