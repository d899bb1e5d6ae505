package web

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"faird/eval"
	"faird/store"
	"faird/web/training"
)

// fakeTrainer takes one order, or says why not.
type fakeTrainer struct {
	mu     sync.Mutex
	job    *training.Job
	refuse error
}

func (f *fakeTrainer) Job() *training.Job {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.job
}

func (f *fakeTrainer) Start(o training.Order, who string) (*training.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.job = &training.Job{Order: o, ID: "01JDCQ6Q4Z0M2N3P4Q5R6S7T8V", Who: who, Started: time.Now(), Phase: training.Collecting}
	return f.job, nil
}

func (f *fakeTrainer) Cancel() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.job == nil {
		return training.ErrNothing
	}
	f.job = nil
	return nil
}

func TestTraining(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	f := &fakeTrainer{}
	w.server.Training = f
	b := w.as("olga")
	order := map[string]any{"station": "cap", "source": "marked", "pictures": 50}
	status, body := b.do("DELETE", "/api/training", nil)
	want(t, "nothing to cancel", status, body, 404)
	status, body = b.get("/api/training")
	want(t, "none yet", status, body, 200)
	if decode[map[string]*jobJSON](t, body)["job"] != nil {
		t.Errorf("a job: %s", body)
	}
	for name, c := range map[string]struct {
		order  any
		refuse error
		want   int
	}{
		"unknown station": {map[string]any{"station": "none", "source": "marked"}, nil, 404},
		"unknown key":     {map[string]any{"station": "cap", "source": "marked", "out": "/etc"}, nil, 400},
		"refused":         {order, fmt.Errorf("%w: the disk is full", training.ErrOrder), 422},
		"busy":            {order, training.ErrBusy, 409},
		"broken":          {order, fmt.Errorf("the disk is gone"), 503},
	} {
		f.refuse = c.refuse
		status, body = b.post("/api/training", c.order)
		want(t, name, status, body, c.want)
	}
	f.refuse = nil
	status, body = b.post("/api/training", order)
	want(t, "start", status, body, 200)
	if j := decode[jobJSON](t, body); j.Who != "olga" || j.Station != "cap" || j.Pictures != 50 {
		t.Errorf("%s", body)
	}
	rate := eval.NewRate(1, 9)
	area, score, threshold := 0.9, 0.2, 0.3
	f.job = &training.Job{
		Order: f.job.Order, ID: f.job.ID, Started: time.Now(), Ended: time.Now(), Phase: training.Done, Priority: "low",
		Result: &training.Result{File: "/data/models/cap.onnx", Model: "sha256:cc", Threshold: 0.3, Pictures: 40, Parts: 45, Steps: 12},
		Comparison: &training.Comparison{
			Good: 9, Defect: 1, Present: eval.Figures{ImageAUROC: &area}, Trained: eval.Figures{FalseReject: &rate, Threshold: &threshold},
			Pictures: []training.Reviewed{{ID: f.job.ID, Truth: store.Good, Present: &score}},
		},
	}
	status, body = b.get("/api/training")
	want(t, "done", status, body, 200)
	if c := decode[map[string]*jobJSON](t, body)["job"].Comparison; c.Trained.FalseReject.Of != 9 || *c.Present.AUROC != 0.9 || c.Present.FalseReject.Rate != nil {
		t.Errorf("%s", body)
	}
	status, body = b.do("DELETE", "/api/training", nil)
	want(t, "cancel", status, body, 204)
	status, body = w.as("adam").get("/api/audit")
	want(t, "audit", status, body, 200)
	var actions []string
	for _, e := range decode[page[auditJSON]](t, body).Items {
		actions = append(actions, e.Action+" "+e.Who)
	}
	if len(actions) < 4 || actions[1] != "train_cancelled olga" || actions[2] != "train olga" {
		t.Errorf("audit %q", actions)
	}
}
