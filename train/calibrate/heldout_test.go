package calibrate

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"faird/fair/golden"
	"faird/model"
)

// TestHeldOut calibrates on few of the real good pictures, many times over, and
// counts how many of the others reach the threshold: bottle's network on the
// pictures of its own product, whose scores have the heaviest tail of the sets
// at hand, and on glass fibre, which it never saw.
func TestHeldOut(t *testing.T) {
	const n, rate, rounds = 30, 0.01, 400
	for _, c := range []struct {
		folder string
		most   float64 // mean share of held-out good pictures rejected; see docs/acceptance.md
	}{
		{"bottle/train/good", 0.025},
		{"glassfibre/train/good", 0.015},
	} {
		scores := realScores(t, c.folder)
		r := rand.New(rand.NewPCG(7, 7))
		rejected, of := 0, 0
		for range rounds {
			r.Shuffle(len(scores), func(i, j int) { scores[i], scores[j] = scores[j], scores[i] })
			k, err := Set(scores[:n], rate, 0.95, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range scores[n:] {
				if of++; v >= k.Threshold {
					rejected++
				}
			}
		}
		mean := float64(rejected) / float64(of)
		t.Logf("%s: %d pictures for %g: %.2f%% of the others rejected", c.folder, n, rate, 100*mean)
		if mean > c.most {
			t.Errorf("%s: %.2f%% of the held-out good pictures are rejected, want at most %.2f%%", c.folder, 100*mean, 100*c.most)
		}
	}
}

// realScores is the scores of a folder of the shared data sets.
func realScores(t *testing.T, folder string) []float64 {
	t.Helper()
	dir := filepath.Join(golden.Shared(t, "FAIRD_DATASETS", "datasets"), folder)
	network := filepath.Join(golden.Shared(t, "FAIRD_MODELS", "models"), "bottle_c16_128.onnx")
	file, err := model.Read(network)
	if err != nil {
		t.Fatal(err)
	}
	pictures, _, err := Folder(dir, file.Width, file.Height, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Force = true // glass fibre is not what the network was trained on
	out, err := Run(context.Background(), file, pictures, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var scores []float64
	for _, p := range out.Scores {
		scores = append(scores, p.Score)
	}
	return scores
}
