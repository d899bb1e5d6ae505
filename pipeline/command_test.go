package pipeline

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"faird/publish"
)

// A threshold that is set leaves review as it is, unless it is told otherwise.
func TestThresholdKeepsReview(t *testing.T) {
	b, _ := newTestBox(t)
	s := station("a", writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10), pictures(t, 1))
	review := 4.0
	s.Review = &review
	mustApply(t, b, s)
	null := publish.Limit{Given: true}
	const none = 0.0
	for _, step := range []struct {
		what              string
		threshold, review publish.Limit
		is, reviewIs      float64
		from, err         string
	}{
		{"as configured", given(10), publish.Limit{}, 10, 4, "override", ""},
		{"threshold alone", given(8), publish.Limit{}, 8, 4, "override", ""},
		{"below the review that stays", given(3), publish.Limit{}, 8, 4, "override", "review is 4 and stays so"},
		{"at the review that stays", given(4), publish.Limit{}, 8, 4, "override", "review is 4 and stays so"},
		{"both", given(3), given(2), 3, 2, "override", ""},
		{"review alone", publish.Limit{}, given(1), 3, 1, "override", ""},
		{"review alone, too high", publish.Limit{}, given(5), 3, 1, "override", "below the threshold 3"},
		{"without review", given(5), null, 5, none, "override", ""},
		{"threshold alone again", given(6), publish.Limit{}, 6, none, "override", ""},
		{"review comes back", publish.Limit{}, given(2), 6, 2, "override", ""},
		{"review goes", publish.Limit{}, null, 6, none, "override", ""},
		{"back to the model's", null, publish.Limit{}, 10, 4, "model", ""},
		{"zero", given(0), publish.Limit{}, 10, 4, "model", "out of range"},
		{"negative", given(-1), publish.Limit{}, 10, 4, "model", "out of range"},
		{"absurd", given(1e6), publish.Limit{}, 10, 4, "model", "out of range"},
		{"not a number", given(math.NaN()), publish.Limit{}, 10, 4, "model", "out of range"},
		{"endless", given(math.Inf(1)), publish.Limit{}, 10, 4, "model", "out of range"},
		{"nothing at all", publish.Limit{}, publish.Limit{}, 10, 4, "model", "threshold is missing"},
	} {
		r := b.Command(context.Background(), "a", publish.Command{Command: publish.CommandThreshold, Threshold: step.threshold, Review: step.review})
		if r.OK != (step.err == "") || !strings.Contains(r.Error, step.err) {
			t.Errorf("%s: %+v, want the error %q", step.what, r, step.err)
		}
		got := b.States()["a"]
		reviewIs := none
		if got.Review != nil {
			reviewIs = *got.Review
		}
		if *got.Threshold != step.is || reviewIs != step.reviewIs || got.ThresholdFrom != step.from {
			t.Errorf("%s: threshold %g, review %g from %s, want %g, %g from %s", step.what, *got.Threshold, reviewIs, got.ThresholdFrom, step.is, step.reviewIs, step.from)
		}
	}
}

// The box checks commands whatever way they come: the page asks it directly.
func TestBoxRefusesWhatIsNoCommand(t *testing.T) {
	b, _ := newTestBox(t)
	mustApply(t, b, station("a", writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10), pictures(t, 1)))
	for says, c := range map[string]publish.Command{
		"command is missing": {},
		"unknown command":    {Command: "explode"},
		"count must be":      {Command: publish.CommandSave, Count: publish.MaxSave + 1},
		"model is missing":   {Command: publish.CommandModel},
	} {
		if r := b.Command(context.Background(), "a", c); r.OK || !strings.Contains(r.Error, says) {
			t.Errorf("%+v: %+v, want %q", c, r, says)
		}
	}
	if r := b.Command(context.Background(), "b", publish.Command{Command: publish.CommandPause}); r.OK || !strings.Contains(r.Error, `no station "b"`) {
		t.Errorf("%+v", r)
	}
}
