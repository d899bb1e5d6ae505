package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"faird/pipeline"
	"faird/pipeline/shelf"
	"faird/store"
	"faird/verdict"
)

// fakeTrials do what is asked of them, or say why not.
type fakeTrials struct {
	mu     sync.Mutex
	trial  pipeline.Trial
	refuse error
	asked  []string
}

func (f *fakeTrials) Models() ([]shelf.Entry, error) {
	return []shelf.Entry{{Name: "b", Hash: "sha256:bb", Bytes: 17, Modified: time.Now(), Threshold: number(0.3)}, {Name: "c", Modified: time.Now(), Err: "not a model"}}, nil
}

func (f *fakeTrials) Trial(string) (pipeline.Trial, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trial, nil
}

func (f *fakeTrials) do(edit func(*pipeline.Trial), asked ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse == nil {
		f.asked = append(f.asked, strings.Join(asked, " "))
		edit(&f.trial)
	}
	return f.refuse
}

func (f *fakeTrials) SetShadow(_ context.Context, station, name, who string) error {
	return f.do(func(t *pipeline.Trial) {
		t.Shadow = &pipeline.ShadowState{Name: name, Model: "sha256:bb", Limits: pipeline.Thresholds{Threshold: 0.3}, Judged: 3}
		if name == "" {
			t.Shadow = nil
		}
	}, "shadow", station, name, who)
}

func (f *fakeTrials) Promote(_ context.Context, station, model, who string) error {
	return f.do(func(t *pipeline.Trial) {
		*t = pipeline.Trial{Name: "b", Model: model, Choice: &store.Choice{Name: "b", Hash: model, Was: t.Model, Who: who, At: time.Now()}}
	}, "promote", station, model, who)
}

func (f *fakeTrials) Undo(_ context.Context, station, model, who string) error {
	return f.do(func(t *pipeline.Trial) {
		*t = pipeline.Trial{Model: t.Choice.Was, Choice: &store.Choice{Before: "b", Was: model, Who: who, At: time.Now()}}
	}, "undo", station, model, who)
}

func TestShadowPromoteAndUndo(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	f := &fakeTrials{trial: pipeline.Trial{Model: "sha256:aa"}}
	w.server.Trials = f
	b := w.as("olga")
	status, body := b.get("/api/models")
	want(t, "models", status, body, 200)
	if m := decode[map[string][]modelJSON](t, body)["models"]; len(m) != 2 || m[0].Name != "b" || m[1].Error == "" {
		t.Errorf("%s", body)
	}
	status, body = b.get("/api/stations/cap/shadow")
	want(t, "none yet", status, body, 200)
	if got := decode[trialJSON](t, body); got.Shadow != nil || got.Before != nil || got.Model != "sha256:aa" {
		t.Errorf("%s", body)
	}
	status, body = b.put("/api/stations/cap/shadow", map[string]string{"name": "b"})
	want(t, "shadow", status, body, 200)
	status, body = b.post("/api/stations/cap/promote", map[string]string{"model": "sha256:bb"})
	want(t, "promote", status, body, 200)
	if got := decode[trialJSON](t, body); got.Name != "b" || got.Before.Model != "sha256:aa" || got.Before.Who != "olga" || got.Shadow != nil {
		t.Errorf("%s", body)
	}
	status, body = b.post("/api/stations/cap/undo", map[string]string{"model": "sha256:bb"})
	want(t, "undo", status, body, 200)
	status, body = b.delete("/api/stations/cap/shadow")
	want(t, "cleared", status, body, 200)
	if got := strings.Join(f.asked, ", "); got != "shadow cap b olga, promote cap sha256:bb olga, undo cap sha256:bb olga, shadow cap  olga" {
		t.Errorf("asked %s", got)
	}
	w.audited(t, "shadow b", "promote the config's (sha256:aa), in shadow b (sha256:bb), now b (sha256:bb)",
		"undo b (sha256:bb), now the config's (sha256:aa)", "shadow_cleared the config's (sha256:aa), now the config's (sha256:aa)")
}

// audited holds what was done to station cap against the audit log.
func (w *world) audited(t *testing.T, done ...string) {
	t.Helper()
	status, body := w.as("adam").get("/api/audit")
	want(t, "audit", status, body, 200)
	var got []string
	for _, e := range decode[page[auditJSON]](t, body).Items {
		if e.Station == "cap" {
			got = append([]string{e.Action + " " + e.Detail}, got...)
		}
	}
	if strings.Join(got, "\n") != strings.Join(done, "\n") {
		t.Errorf("audit\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(done, "\n"))
	}
}

func TestWhoAsksForModelsWrongly(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	f := &fakeTrials{}
	w.server.Trials = f
	olga, vera := w.as("olga"), w.as("vera")
	for name, c := range map[string]struct {
		b            *browser
		method, path string
		body         map[string]any
		refuse       error
		want         int
	}{
		"a viewer's shadow":  {vera, "PUT", "cap/shadow", map[string]any{"name": "b"}, nil, 403},
		"a viewer's promote": {vera, "POST", "cap/promote", map[string]any{"model": "x"}, nil, 403},
		"a viewer's undo":    {vera, "POST", "cap/undo", map[string]any{"model": "x"}, nil, 403},
		"a viewer's clear":   {vera, "DELETE", "cap/shadow", nil, nil, 403},
		"nobody's":           {w.browser(), "POST", "cap/promote", map[string]any{"model": "x"}, nil, 401},
		"no station":         {olga, "POST", "none/promote", map[string]any{"model": "x"}, nil, 404},
		"no name":            {olga, "PUT", "cap/shadow", map[string]any{}, nil, 400},
		"no model":           {olga, "POST", "cap/undo", map[string]any{}, nil, 400},
		"a path":             {olga, "PUT", "cap/shadow", map[string]any{"path": "/etc/passwd"}, nil, 400},
		"unknown":            {olga, "PUT", "cap/shadow", map[string]any{"name": "../x"}, fmt.Errorf("%w: no", shelf.ErrUnknown), 404},
		"changed":            {olga, "POST", "cap/promote", map[string]any{"model": "x"}, fmt.Errorf("the model: %w", pipeline.ErrChanged), 409},
		"refused":            {olga, "POST", "cap/undo", map[string]any{"model": "x"}, fmt.Errorf("the golden samples do not fit"), 422},
	} {
		f.refuse = c.refuse
		var body any
		if c.body != nil {
			body = c.body
		}
		status, answer := c.b.do(c.method, "/api/stations/"+c.path, body)
		want(t, name, status, answer, c.want)
	}
	if len(f.asked) > 0 {
		t.Errorf("done all the same: %q", f.asked)
	}
}

// What Prometheus is told of a model in shadow: nothing, that it cannot judge, or
// how far it agrees.
func TestShadowMetrics(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		shadow *pipeline.ShadowState
		want   []string
	}{
		"none":   {nil, nil},
		"broken": {&pipeline.ShadowState{Name: "b", Why: "the file is gone"}, []string{`shadow_works{model="",name="b",station="cap"} 0`}},
		"works": {&pipeline.ShadowState{Name: "b", Model: "sha256:bb", Judged: 40, Skipped: 7, Otherwise: 3}, []string{
			`shadow_works{model="sha256:bb",name="b",station="cap"} 1`, `shadow_judged_total{station="cap"} 40`,
			`shadow_skipped_total{station="cap"} 7`, `shadow_otherwise_total{station="cap"} 3`,
		}},
	} {
		w.server.Trials = &fakeTrials{trial: pipeline.Trial{Shadow: c.shadow}}
		_, body := w.browser().get("/metrics")
		if got := strings.Count(string(body), "\nfaird_shadow_"); got != 2*len(c.want) { // of both stations
			t.Errorf("%s: %d metrics of shadows", name, got)
		}
		for _, line := range c.want {
			if !strings.Contains(string(body), "\nfaird_"+line+"\n") {
				t.Errorf("%s: metrics lack faird_%s", name, line)
			}
		}
	}
}

func TestShadowReport(t *testing.T) {
	w := newWorld(t, nil)
	w.server.Trials = &fakeTrials{trial: pipeline.Trial{Model: "sha256:aa", Shadow: &pipeline.ShadowState{Name: "b", Model: "sha256:bb", Limits: pipeline.Thresholds{Threshold: 0.3}}}}
	for i, c := range []struct{ was, said verdict.Kind }{
		{verdict.Pass, verdict.Pass}, {verdict.Fail, verdict.Pass}, {verdict.Pass, verdict.Fail}, {verdict.Pass, verdict.NoRead}, {verdict.Fail, verdict.Fail},
	} {
		v := w.decide("cap", c.was, 0.1*float64(i+1))
		found, err := w.store.Verdict(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		said := store.Compared{Key: found.Key, Station: "cap", Model: "sha256:bb", Against: "sha256:aa", Decided: c.was, Said: c.said, Had: *v.Score, At: v.Time.Decided.Time}
		if c.said != verdict.NoRead {
			said.Score = number(0.2)
		}
		if err := w.store.AddCompared(t.Context(), []store.Compared{said}); err != nil {
			t.Fatal(err)
		}
	}
	status, body := w.browser().get("/api/stations/cap/shadow")
	want(t, "report", status, body, 200)
	got := decode[trialJSON](t, body)
	if got.Compared != 5 || got.Agree != 2 || len(got.Counts) != 5 || len(got.Points) != 5 || len(got.Flips) != 3 || got.Since.IsZero() || *got.Shadow.Threshold != 0.3 {
		t.Errorf("%s", body)
	}
	if p := got.Points[1]; p.ShadowScore != nil || p.Shadow != verdict.NoRead || p.Score != 0.4 {
		t.Errorf("point %+v", p)
	}
	if f := got.Flips[2]; f.Verdict != verdict.Fail || f.Shadow != verdict.Pass || f.Thumb == nil || *f.ShadowScore != 0.2 {
		t.Errorf("flip %+v", f)
	}
}
