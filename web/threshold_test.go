package web

import (
	"testing"
	"time"

	"faird/store"
	"faird/verdict"
)

func TestThresholdIsShownSetAndCleared(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	status, body := b.get("/api/stations/cap/threshold")
	want(t, "as it is", status, body, 200)
	if got := decode[thresholdJSON](t, body); *got.Threshold != 0.5 || got.From != "model" || got.Who != "" {
		t.Errorf("threshold %s", body)
	}
	// The box keeps the override; here the test does.
	o := store.Override{Threshold: 0.6, Review: number(0.4), Who: "olga", At: time.Now()}
	if err := w.store.SetOverride(t.Context(), "cap", o); err != nil {
		t.Fatal(err)
	}
	status, body = b.put("/api/stations/cap/threshold", map[string]any{"threshold": 0.6, "review": 0.4})
	want(t, "set", status, body, 200)
	got := decode[thresholdJSON](t, body)
	if *got.Threshold != 0.6 || *got.Review != 0.4 || got.From != "override" || got.Who != "olga" || time.Since(got.At.Time) > time.Minute {
		t.Errorf("threshold %s", body)
	}
	if c := w.stations.commands[0]; c.By != "olga" || *c.Threshold.Value != 0.6 || *c.Review.Value != 0.4 {
		t.Errorf("command %+v", c)
	}
	status, body = b.put("/api/stations/cap/threshold", map[string]any{"threshold": 0.7})
	want(t, "set alone", status, body, 200)
	if got := decode[thresholdJSON](t, body); *got.Threshold != 0.7 || got.Review == nil || *got.Review != 0.4 {
		t.Errorf("threshold %s, want the review as it was", body)
	}
	status, body = b.put("/api/stations/cap/threshold", map[string]any{"threshold": 0.7, "review": nil})
	want(t, "set without a review", status, body, 200)
	if got := decode[thresholdJSON](t, body); got.Review != nil {
		t.Errorf("threshold %s, want no review", body)
	}
	status, body = b.delete("/api/stations/cap/threshold")
	want(t, "cleared", status, body, 200)
	if got := decode[thresholdJSON](t, body); got.From != "model" {
		t.Errorf("threshold %s", body)
	}
	w.stations.refuse = "threshold -1 must be a number above 0"
	status, body = b.put("/api/stations/cap/threshold", map[string]any{"threshold": -1})
	want(t, "refused by the box", status, body, 422)
	status, body = b.put("/api/stations/none/threshold", map[string]any{"threshold": 1})
	want(t, "no such station", status, body, 404)
}

func TestPreviewCountsTheFlips(t *testing.T) {
	w := newWorld(t, nil)
	w.decide("cap", verdict.Pass, 0.1)
	near := w.decide("cap", verdict.Pass, 0.4)
	w.decide("cap", verdict.Fail, 0.6)
	far := w.decide("cap", verdict.Fail, 0.9)
	w.decide("cap", verdict.NoRead, 0)
	b := w.browser()
	for _, c := range []struct {
		query      string
		considered int
		then       kindCounts
		flips      int
		newest     string
	}{
		{"threshold=0.5", 4, kindCounts{Pass: 2, Fail: 2}, 0, ""},
		{"threshold=0.3", 4, kindCounts{Pass: 1, Fail: 3}, 1, near.ID},
		{"threshold=1", 4, kindCounts{Pass: 4}, 2, far.ID},
		{"threshold=0.95&review=0.5", 4, kindCounts{Pass: 2, Review: 2}, 2, far.ID},
		{"threshold=1&last=3", 2, kindCounts{Pass: 2}, 2, far.ID},
	} {
		status, body := b.get("/api/stations/cap/threshold/preview?" + c.query)
		want(t, c.query, status, body, 200)
		p := decode[previewJSON](t, body)
		if p.Considered != c.considered || p.Then != c.then || p.Flips != c.flips || len(p.Flipped) != c.flips || c.flips > 0 && (p.Flipped[0].ID != c.newest || p.Flipped[0].Thumb == nil) {
			t.Errorf("%s: %s", c.query, body)
		}
	}
	for _, q := range []string{"", "threshold=0", "threshold=x", "threshold=0.5&review=0.6", "threshold=1&last=100000"} {
		status, body := b.get("/api/stations/cap/threshold/preview?" + q)
		want(t, q, status, body, 400)
	}
}

// Scores of another model say nothing about this one's threshold.
func TestPreviewLeavesOtherModelsOut(t *testing.T) {
	judged := func(model string) store.Found {
		return store.Found{Verdict: &verdict.Verdict{Score: number(0.4), Verdict: verdict.Pass, Model: model}}
	}
	p := preview([]store.Found{judged("a"), judged("b"), judged("b")}, "b", 0.3, nil)
	if p.Considered != 2 || p.Flips != 2 {
		t.Errorf("got %+v", p)
	}
}

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	status, body := b.post("/api/stations/cap/pause", nil)
	want(t, "pause", status, body, 204)
	if !w.stations.States()["cap"].Paused {
		t.Error("not paused")
	}
	status, body = b.post("/api/stations/cap/resume", nil)
	want(t, "resume", status, body, 204)
	if w.stations.States()["cap"].Paused {
		t.Error("not resumed")
	}
}
