package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"faird/pipeline"
	"faird/pipeline/shelf"
	"faird/store"
	"faird/verdict"
)

const (
	swapTimeout   = 30 * time.Minute // for a model to load, a TensorRT engine build included
	mostCompared  = 20_000           // comparisons that a report looks at, the newest
	pointsShown   = 500
	flipsShown    = 60 // of each kind
	shownModelLen = 19 // of a hash in the audit log
)

// trials are the stations' models: in force, in shadow, and on the shelf;
// *pipeline.Box is one.
type trials interface {
	Models() ([]shelf.Entry, error)
	Trial(station string) (pipeline.Trial, error)
	SetShadow(ctx context.Context, station, name, who string) error
	Promote(ctx context.Context, station, model, who string) error
	Undo(ctx context.Context, station, model, who string) error
}

type modelJSON struct {
	Name      string       `json:"name"`
	Model     string       `json:"model"`
	Bytes     int64        `json:"bytes"`
	Modified  verdict.Time `json:"modified"`
	Threshold *float64     `json:"threshold"`
	Error     string       `json:"error"`
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) error {
	all, err := s.Trials.Models()
	if err != nil {
		return err
	}
	out := make([]modelJSON, len(all))
	for i, e := range all {
		out[i] = modelJSON{e.Name, e.Hash, e.Bytes, verdict.Time{Time: e.Modified}, e.Threshold, e.Err}
	}
	return ok(w, map[string]any{"models": out})
}

// trialJSON is how a station stands with its models, and how far they agree.
type trialJSON struct {
	Name     string        `json:"name"`
	Model    string        `json:"model"`
	Before   *beforeJSON   `json:"before"`
	Shadow   *shadowJSON   `json:"shadow"`
	Since    verdict.Time  `json:"since"`
	Compared int           `json:"compared"`
	Agree    int           `json:"agree"`
	Counts   []pairJSON    `json:"counts"`
	Points   []againstJSON `json:"points"`
	Flips    []shownJSON   `json:"flips"`
}

type beforeJSON struct {
	Name  string       `json:"name"`
	Model string       `json:"model"`
	Who   string       `json:"who"`
	At    verdict.Time `json:"at"`
}

type shadowJSON struct {
	Name      string   `json:"name"`
	Model     string   `json:"model"`
	Threshold *float64 `json:"threshold"`
	Review    *float64 `json:"review"`
	Judged    uint64   `json:"judged"`
	Skipped   uint64   `json:"skipped"`
	Why       string   `json:"why"`
}

type pairJSON struct {
	Verdict verdict.Kind `json:"verdict"`
	Shadow  verdict.Kind `json:"shadow"`
	Count   int          `json:"count"`
}

type againstJSON struct {
	Key         int64        `json:"key"`
	Score       float64      `json:"score"`
	ShadowScore *float64     `json:"shadow_score"`
	Verdict     verdict.Kind `json:"verdict"`
	Shadow      verdict.Kind `json:"shadow"`
}

type shownJSON struct {
	Key         int64        `json:"key"`
	ID          string       `json:"id"`
	Time        verdict.Time `json:"time"`
	Score       *float64     `json:"score"`
	ShadowScore *float64     `json:"shadow_score"`
	Verdict     verdict.Kind `json:"verdict"`
	Shadow      verdict.Kind `json:"shadow"`
	Thumb       *string      `json:"thumb"`
	Mark        *markJSON    `json:"mark"`
}

func (s *Server) trial(w http.ResponseWriter, r *http.Request) error {
	name, _, err := s.station(r)
	if err != nil {
		return err
	}
	t, err := s.Trials.Trial(name)
	if err != nil {
		return trialProblem(err)
	}
	out := trialJSON{Name: t.Name, Model: t.Model, Counts: []pairJSON{}, Points: []againstJSON{}, Flips: []shownJSON{}}
	if c := t.Choice; c != nil {
		out.Before = &beforeJSON{c.Before, c.Was, c.Who, verdict.Time{Time: c.At}}
	}
	if sh := t.Shadow; sh != nil {
		out.Shadow = &shadowJSON{Name: sh.Name, Model: sh.Model, Review: sh.Limits.Review, Judged: sh.Judged, Skipped: sh.Skipped, Why: sh.Why}
		if sh.Model != "" {
			out.Shadow.Threshold = &sh.Limits.Threshold
			err = s.compare(r.Context(), &out, store.Pair{Station: name, Model: sh.Model, Against: t.Model})
		}
	}
	if err != nil {
		return err
	}
	return ok(w, out)
}

// compare fills in what the shadow said.
func (s *Server) compare(ctx context.Context, out *trialJSON, p store.Pair) error {
	a, err := s.Store.Agreement(ctx, p, mostCompared)
	if err != nil {
		return err
	}
	out.Since = verdict.Time{Time: a.Since}
	kinds := []verdict.Kind{verdict.Pass, verdict.Review, verdict.Fail, verdict.NoRead}
	for _, decided := range kinds {
		for _, said := range kinds {
			n := a.Count[decided][said]
			if n == 0 {
				continue
			}
			out.Counts = append(out.Counts, pairJSON{decided, said, n})
			if out.Compared += n; decided == said {
				out.Agree += n
			}
		}
	}
	points, err := s.Store.Compared(ctx, p, pointsShown)
	if err != nil {
		return err
	}
	for _, c := range points {
		out.Points = append(out.Points, againstJSON{c.Key, c.Had, c.Score, c.Decided, c.Said})
	}
	flips, err := s.Store.Flips(ctx, p, mostCompared, flipsShown)
	for _, f := range flips {
		v := f.Verdict
		out.Flips = append(out.Flips, shownJSON{f.Key, v.ID, v.Time.Decided, v.Score, f.Score, v.Verdict, f.Said, thumbOf(f.Found), describeMark(f.Mark)})
	}
	return err
}

func (s *Server) setShadow(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Name string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Name == "" {
		return badRequest("name a model")
	}
	return s.change(w, r, "shadow", in.Name, func(ctx context.Context, station string) error {
		return s.Trials.SetShadow(ctx, station, in.Name, asker(r).name)
	})
}

func (s *Server) clearShadow(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "shadow_cleared", "", func(ctx context.Context, station string) error {
		return s.Trials.SetShadow(ctx, station, "", asker(r).name)
	})
}

func (s *Server) promote(w http.ResponseWriter, r *http.Request) error {
	return s.swap(w, r, "promote", s.Trials.Promote)
}

func (s *Server) undo(w http.ResponseWriter, r *http.Request) error {
	return s.swap(w, r, "undo", s.Trials.Undo)
}

// swap puts another model in force; the one that the asker saw is named, so that
// nobody promotes what somebody else has changed meanwhile.
func (s *Server) swap(w http.ResponseWriter, r *http.Request, action string, do func(ctx context.Context, station, model, who string) error) error {
	var in struct{ Model string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Model == "" {
		return badRequest("name the model's hash")
	}
	return s.change(w, r, action, "", func(ctx context.Context, station string) error {
		return do(ctx, station, in.Model, asker(r).name)
	})
}

// change does something about a station's models and answers how they stand
// then. It is finished even where the asker goes away: a model may load for
// minutes.
func (s *Server) change(w http.ResponseWriter, r *http.Request, action, detail string, do func(ctx context.Context, station string) error) error {
	name, _, err := s.station(r)
	if err != nil {
		return err
	}
	was, err := s.Trials.Trial(name)
	if err != nil {
		return trialProblem(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), swapTimeout)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(swapTimeout)) // the server's own is shorter
	if err := do(ctx, name); err != nil {
		return trialProblem(err)
	}
	if now, err := s.Trials.Trial(name); err == nil && detail == "" {
		detail = modelsText(was) + ", now " + modelsText(now)
	}
	s.did(r, action, name, detail)
	return s.trial(w, r)
}

// modelsText names the models of a station for the audit log.
func modelsText(t pipeline.Trial) string {
	text := modelText(t.Name, t.Model)
	if t.Shadow != nil {
		text += ", in shadow " + modelText(t.Shadow.Name, t.Shadow.Model)
	}
	return text
}

func modelText(name, hash string) string {
	if name == "" {
		name = "the config's"
	}
	return name + " (" + hash[:min(len(hash), shownModelLen)] + ")"
}

func trialProblem(err error) error {
	switch {
	case errors.Is(err, pipeline.ErrNoStation), errors.Is(err, shelf.ErrUnknown):
		return notFound("%v", err)
	case errors.Is(err, pipeline.ErrChanged):
		return &problem{http.StatusConflict, "conflict", err.Error()}
	}
	return refused("%v", err)
}
