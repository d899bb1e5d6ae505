package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"

	"faird/publish"
	"faird/store"
	"faird/verdict"
)

// thresholdJSON is what is in force, and who set it.
type thresholdJSON struct {
	Threshold *float64     `json:"threshold"`
	Review    *float64     `json:"review"`
	From      string       `json:"from"`
	Who       string       `json:"who"`
	At        verdict.Time `json:"at"`
}

func (s *Server) threshold(w http.ResponseWriter, r *http.Request) error {
	name, st, err := s.station(r)
	if err != nil {
		return err
	}
	out := thresholdJSON{Threshold: st.Threshold, Review: st.Review, From: st.ThresholdFrom}
	if st.ThresholdFrom == "override" {
		o, err := s.Store.Override(r.Context(), name)
		if err != nil {
			return err
		}
		if o != nil {
			out.Who, out.At = o.Who, verdict.Time{Time: o.At}
		}
	}
	return ok(w, out)
}

func (s *Server) setThreshold(w http.ResponseWriter, r *http.Request) error {
	name, before, err := s.station(r)
	if err != nil {
		return err
	}
	var in struct {
		Threshold *float64
		Review    limit
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Threshold == nil {
		return badRequest("give a threshold")
	}
	c := publish.Command{Command: publish.CommandThreshold, Threshold: publish.Limit{Given: true, Value: in.Threshold}, Review: publish.Limit(in.Review)}
	if err := s.command(r, name, c); err != nil {
		return err
	}
	if !in.Review.Given {
		in.Review.Value = before.Review
	}
	s.did(r, "threshold", name, fmt.Sprintf("%s, was %s", limitsText(in.Threshold, in.Review.Value), limitsText(before.Threshold, before.Review)))
	return s.threshold(w, r)
}

func (s *Server) clearThreshold(w http.ResponseWriter, r *http.Request) error {
	name, before, err := s.station(r)
	if err != nil {
		return err
	}
	if err := s.command(r, name, publish.Command{Command: publish.CommandThreshold, Threshold: publish.Limit{Given: true}}); err != nil {
		return err
	}
	s.did(r, "threshold_cleared", name, "was "+limitsText(before.Threshold, before.Review))
	return s.threshold(w, r)
}

// limit is a number, null, or a key that is absent.
type limit publish.Limit

// UnmarshalJSON implements json.Unmarshaler.
func (l *limit) UnmarshalJSON(data []byte) error {
	l.Given = true
	if json.Unmarshal(data, &l.Value) != nil {
		return errors.New("review must be a number, or null")
	}
	return nil
}

func limitsText(threshold, review *float64) string {
	switch {
	case threshold == nil:
		return "none"
	case review == nil:
		return fmt.Sprintf("%g", *threshold)
	}
	return fmt.Sprintf("%g with review from %g", *threshold, *review)
}

// command has a station do something in the asker's name.
func (s *Server) command(r *http.Request, station string, c publish.Command) error {
	c.By = asker(r).name
	if reply := s.Stations.Command(r.Context(), station, c); !reply.OK {
		return refused("%s", reply.Error)
	}
	return nil
}

func (s *Server) pause(w http.ResponseWriter, r *http.Request) error {
	return s.switched(w, r, publish.CommandPause)
}

func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	return s.switched(w, r, publish.CommandResume)
}

func (s *Server) switched(w http.ResponseWriter, r *http.Request, command string) error {
	name, _, err := s.station(r)
	if err != nil {
		return err
	}
	if err := s.command(r, name, publish.Command{Command: command}); err != nil {
		return err
	}
	s.did(r, command, name, "")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mostFlipped bounds the list of a preview.
const mostFlipped = 200

type kindCounts struct {
	Pass   int `json:"pass"`
	Review int `json:"review"`
	Fail   int `json:"fail"`
}

func (k *kindCounts) add(kind verdict.Kind) {
	switch kind {
	case verdict.Pass:
		k.Pass++
	case verdict.Review:
		k.Review++
	default:
		k.Fail++
	}
}

type flipJSON struct {
	Key     int64        `json:"key"`
	ID      string       `json:"id"`
	Time    verdict.Time `json:"time"`
	Score   float64      `json:"score"`
	Verdict verdict.Kind `json:"verdict"`
	WouldBe verdict.Kind `json:"would_be"`
	Thumb   *string      `json:"thumb"`
	Mark    *markJSON    `json:"mark"`
}

// previewJSON is what another threshold would have made of the last verdicts.
type previewJSON struct {
	Threshold  float64    `json:"threshold"`
	Review     *float64   `json:"review"`
	Considered int        `json:"considered"`
	Now        kindCounts `json:"now"`
	Then       kindCounts `json:"then"`
	Flips      int        `json:"flips"`
	Flipped    []flipJSON `json:"flipped"`
}

func (s *Server) previewThreshold(w http.ResponseWriter, r *http.Request) error {
	name, st, err := s.station(r)
	if err != nil {
		return err
	}
	q := query{r.URL.Query(), nil}
	threshold, review, last := q.number("threshold"), q.number("review"), q.integer("last", 1000, 5000)
	switch {
	case q.err != nil:
		return q.err
	case threshold == nil || *threshold <= 0:
		return badRequest("give a threshold above 0")
	case review != nil && !(*review > 0 && *review < *threshold):
		return badRequest("review must be above 0 and below the threshold")
	}
	found, err := s.Store.Recent(r.Context(), name, int(last))
	if err != nil {
		return err
	}
	return ok(w, preview(found, st.Model, *threshold, review))
}

// preview judges verdicts of one model again; found is oldest first.
func preview(found []store.Found, model string, threshold float64, review *float64) previewJSON {
	out := previewJSON{Threshold: threshold, Review: review, Flipped: []flipJSON{}}
	for _, f := range slices.Backward(found) {
		v := f.Verdict
		if v.Score == nil || math.IsNaN(*v.Score) || v.Verdict == verdict.NoRead || v.Model != model {
			continue
		}
		then := verdict.Judge(*v.Score, threshold, review)
		out.Considered++
		out.Now.add(v.Verdict)
		out.Then.add(then)
		if then == v.Verdict {
			continue
		}
		if out.Flips++; len(out.Flipped) < mostFlipped {
			out.Flipped = append(out.Flipped, flipJSON{f.Key, v.ID, v.Time.Decided, *v.Score, v.Verdict, then, thumbOf(f), describeMark(f.Mark)})
		}
	}
	return out
}
