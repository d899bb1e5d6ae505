package calibrate

import (
	"math"
	"path/filepath"
	"testing"

	"faird/model"
)

// TestNormalised calibrates a normalised score: what good images look like is in the
// file, every image was judged by the others, and the file judges as it says.
func TestNormalised(t *testing.T) {
	o := options()
	o.Score, o.FalseReject = Normalised, 0.05
	file := greyModel(t)
	told := 0
	out, err := Run(t.Context(), file, good(20), o, func(done, total int) {
		if told++; done != told || total != 40 {
			t.Errorf("progress %d of %d after %d calls", done, total, told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if file.Normal != nil || out.File.Normal == nil || told != 40 {
		t.Fatalf("the model that came in has %v, that which came out %v, told %d times", file.Normal, out.File.Normal, told)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := model.Write(path, out.File); err != nil {
		t.Fatal(err)
	}
	checkSamples(t, path, out.File.Calibration.Threshold)

	again, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJudge(again, o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	for i, p := range good(20) {
		pixels, err := p.Read()
		if err != nil {
			t.Fatal(err)
		}
		// It was learnt from, so it stands out less than it did from the others.
		if score, err := j.score(t.Context(), pixels); err != nil || !(score < out.Scores[i].Score) {
			t.Errorf("%s scores %v with itself among the good, %v without: %v", p.Name, score, out.Scores[i].Score, err)
		}
	}
}

// A second image of a part is not what the first is judged by.
func TestNormalisedByOtherParts(t *testing.T) {
	o := options()
	o.Score = Normalised
	once, err := Run(t.Context(), greyModel(t), good(12), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var twice []Picture
	for i, p := range good(12) {
		p.Part = i + 1
		twice = append(twice, p, p)
	}
	out, err := Run(t.Context(), greyModel(t), twice, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range once.Scores {
		for _, got := range out.Scores[2*i : 2*i+2] {
			// Copies make the spread of the others a little smaller: n/(n-1) is another.
			if math.Abs(got.Score-want.Score) > 0.05*want.Score {
				t.Errorf("%s, of a part with two images, scores %v, want about %v", got.Name, got.Score, want.Score)
			}
		}
	}
	if n := out.File.Calibration.N; n != 12 {
		t.Errorf("%d parts, want 12", n)
	}
}

// The score becomes the paper's again, and a model keeps its own kind.
func TestScoreIsKept(t *testing.T) {
	o := options()
	o.Score = Normalised
	out, err := Run(t.Context(), greyModel(t), good(12), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Score = ""
	if out, err = Run(t.Context(), out.File, good(12), o, nil); err != nil || out.File.Normal == nil {
		t.Fatalf("a normalised model that is calibrated again has %v: %v", out, err)
	}
	o.Score = Paper
	if out, err = Run(t.Context(), out.File, good(12), o, nil); err != nil || out.File.Normal != nil {
		t.Fatalf("a model with the paper's score has %v: %v", out, err)
	}
	want, err := Run(t.Context(), greyModel(t), good(12), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Scores {
		if out.Scores[i] != want.Scores[i] {
			t.Errorf("%v after it was normalised, %v before", out.Scores[i], want.Scores[i])
		}
	}
	if o.Score = "mean"; o.Check() == nil {
		t.Error("a score of no kind is taken")
	}
}
