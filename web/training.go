package web

import (
	"errors"
	"fmt"
	"net/http"

	"faird/eval"
	"faird/verdict"
	"faird/web/training"
)

// trainer makes models; *training.Manager is one.
type trainer interface {
	Job() *training.Job
	Start(o training.Order, who string) (*training.Job, error)
	Cancel() error
}

// jobJSON is a training as the page shows it.
type jobJSON struct {
	training.Order
	ID         string            `json:"id"`
	Who        string            `json:"who"`
	Started    verdict.Time      `json:"started"`
	Ended      verdict.Time      `json:"ended"`
	Phase      training.Phase    `json:"phase"`
	Gathered   int               `json:"gathered"`
	Progress   training.Progress `json:"progress"`
	Priority   string            `json:"priority"`
	Error      string            `json:"error"`
	Result     *training.Result  `json:"result"`
	Comparison *comparisonJSON   `json:"comparison"`
	Log        []string          `json:"log"`
}

type comparisonJSON struct {
	Good     int                 `json:"good"`
	Defect   int                 `json:"defect"`
	Present  sideJSON            `json:"present"`
	Trained  sideJSON            `json:"trained"`
	Pictures []training.Reviewed `json:"pictures"`
}

// sideJSON is one model's part of a comparison.
type sideJSON struct {
	AUROC       *float64 `json:"auroc"`
	Threshold   *float64 `json:"threshold"`
	FalseReject rateJSON `json:"false_reject"`
	SlipThrough rateJSON `json:"slip_through"`
}

func describeJob(j *training.Job) *jobJSON {
	if j == nil {
		return nil
	}
	out := &jobJSON{
		Order: j.Order, ID: j.ID, Who: j.Who, Started: verdict.Time{Time: j.Started}, Ended: verdict.Time{Time: j.Ended}, Phase: j.Phase,
		Gathered: j.Gathered, Progress: j.Progress, Priority: j.Priority, Error: j.Error, Result: j.Result, Log: append([]string{}, j.Log...),
	}
	if c := j.Comparison; c != nil {
		out.Comparison = &comparisonJSON{c.Good, c.Defect, describeSide(c.Present), describeSide(c.Trained), c.Pictures}
	}
	return out
}

func describeSide(f eval.Figures) sideJSON {
	return sideJSON{f.ImageAUROC, f.Threshold, describeRate(f.FalseReject), describeRate(f.SlipThrough)}
}

func describeRate(r *eval.Rate) rateJSON {
	if r == nil {
		return rateJSON{}
	}
	return newRate(r.Count, r.Of)
}

func (s *Server) training(w http.ResponseWriter, _ *http.Request) error {
	var job *training.Job
	if s.Training != nil {
		job = s.Training.Job()
	}
	return ok(w, map[string]*jobJSON{"job": describeJob(job)})
}

// trains says whether a model is being made.
func (s *Server) trains() bool {
	if s.Training == nil {
		return false
	}
	job := s.Training.Job()
	return job != nil && !job.Phase.Ended()
}

func (s *Server) startTraining(w http.ResponseWriter, r *http.Request) error {
	var order training.Order
	if err := readJSON(w, r, &order); err != nil {
		return err
	}
	if _, known := s.Stations.States()[order.Station]; !known {
		return notFound("there is no station %q", order.Station)
	}
	if s.Training == nil {
		return refused("this box trains no models")
	}
	job, err := s.Training.Start(order, asker(r).name)
	switch {
	case errors.Is(err, training.ErrBusy):
		return &problem{http.StatusConflict, "conflict", err.Error()}
	case errors.Is(err, training.ErrOrder):
		return refused("%v", err)
	case err != nil:
		return err
	}
	s.did(r, "train", order.Station, fmt.Sprintf("%s: %d pictures (%s)", job.ID, job.Pictures, job.Source))
	return ok(w, describeJob(job))
}

func (s *Server) cancelTraining(w http.ResponseWriter, r *http.Request) error {
	if s.Training == nil {
		return notFound("%v", training.ErrNothing)
	}
	job := s.Training.Job()
	if err := s.Training.Cancel(); err != nil {
		return notFound("%v", err)
	}
	s.did(r, "train_cancelled", job.Station, job.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
