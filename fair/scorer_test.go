package fair_test

import (
	"math"
	"testing"

	"faird/fair"
)

func scorer(t testing.TB, h, w int) *fair.Scorer {
	t.Helper()
	s, err := fair.NewScorer(h, w, fair.DefaultScoring())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestScoreOfAPerfectRestoration(t *testing.T) {
	original, _ := pair(64, 64)
	if score := scorer(t, 64, 64).Score(original, original, nil); math.Abs(score) > 1e-6 {
		t.Errorf("score %v", score)
	}
}

// One value that is not a number, anywhere in either picture, is never a score.
func TestScoreSeesWhatIsNotANumber(t *testing.T) {
	const h, w = 19, 23 // no multiple of any vector's length
	s := scorer(t, h, w)
	for _, broken := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32} {
		for _, at := range []int{0, 1, h*w - 1, h * w, 2*h*w + 7, 3*h*w - 1} {
			original, restored := pair(h, w)
			restored[at] = broken
			if score := s.Score(original, restored, nil); !math.IsNaN(score) {
				t.Errorf("restored %v at %d: score %v", broken, at, score)
			}
			original, restored = pair(h, w)
			original[at] = broken
			if score := s.Score(original, restored, nil); broken != math.MaxFloat32 && !math.IsNaN(score) {
				t.Errorf("original %v at %d: score %v", broken, at, score)
			}
		}
	}
	original, restored := pair(h, w)
	if score := s.Score(original, restored, nil); math.IsNaN(score) {
		t.Error("the next picture suffers")
	}
}

func TestScoreWithNothingToJudge(t *testing.T) {
	original, restored := pair(16, 16)
	ignore := make([]byte, 16*16)
	for i := range ignore {
		ignore[i] = 255
	}
	if score := scorer(t, 16, 16).Score(original, restored, ignore); !math.IsNaN(score) {
		t.Errorf("score %v", score)
	}
}

func TestScorePanicsOnWrongSizes(t *testing.T) {
	s := scorer(t, 16, 16)
	right, short := make([]float32, 3*16*16), make([]float32, 16*16)
	for name, call := range map[string]func(){
		"original": func() { s.Score(short, right, nil) },
		"restored": func() { s.Score(right, short, nil) },
		"ignore":   func() { s.Score(right, right, make([]byte, 3)) },
		"planes":   func() { fair.Planes(make([]byte, 10), right, short) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func TestNewScorerRefuses(t *testing.T) {
	paper := fair.DefaultScoring()
	for _, c := range []struct {
		h, w int
		s    fair.Scoring
	}{
		{0, 16, paper},
		{16, 1, paper},
		{1 << 14, 16, paper},
		{16, 16, fair.Scoring{K: -1, Smooth: 21, Scales: 2}},
		{16, 16, fair.Scoring{K: math.NaN(), Smooth: 21, Scales: 2}},
		{16, 16, fair.Scoring{K: 3e-4, Smooth: 20, Scales: 2}},
		{16, 16, fair.Scoring{K: 3e-4, Smooth: 0, Scales: 2}},
		{16, 16, fair.Scoring{K: 3e-4, Smooth: 21}},
		{4, 4, fair.Scoring{K: 3e-4, Smooth: 21, Scales: 4}},
	} {
		if _, err := fair.NewScorer(c.h, c.w, c.s); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestPlanes(t *testing.T) {
	planes, grey := make([]float32, 6), make([]float32, 2)
	fair.Planes([]byte{255, 0, 0, 51, 102, 204}, planes, grey)
	for i, want := range []float64{1, 0.2, 0, 0.4, 0, 0.8} {
		if math.Abs(float64(planes[i])-want) > 1e-7 {
			t.Errorf("plane value %d is %v, want %v", i, planes[i], want)
		}
	}
	for i, want := range []float64{0.114, 0.114*0.2 + 0.587*0.4 + 0.299*0.8} {
		if math.Abs(float64(grey[i])-want) > 1e-6 {
			t.Errorf("grey %d is %v, want %v", i, grey[i], want)
		}
	}
}
