package web

import (
	"fmt"
	"net/http"
	"time"

	"faird/eval"
	"faird/store"
	"faird/verdict"
)

// markJSON is what somebody said of a verdict.
type markJSON struct {
	Truth store.Truth  `json:"truth"`
	Right *bool        `json:"right"`
	Who   string       `json:"who"`
	At    verdict.Time `json:"at"`
	Note  string       `json:"note"`
}

func describeMark(m *store.Remark) *markJSON {
	if m == nil {
		return nil
	}
	return &markJSON{m.Truth, m.Right(), m.Who, verdict.Time{Time: m.At}, m.Note}
}

func (s *Server) mark(w http.ResponseWriter, r *http.Request) error {
	f, err := s.find(r)
	if err != nil {
		return err
	}
	var in struct{ Mark, Note string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if len(in.Note) > 500 {
		return badRequest("note is longer than 500 bytes")
	}
	truth, err := truthOf(in.Mark, f.Verdict.Verdict)
	if err != nil {
		return err
	}
	m := store.Remark{Truth: truth, Kind: f.Verdict.Verdict, Who: asker(r).name, At: time.Now(), Note: in.Note}
	if err := s.Store.SetMark(r.Context(), f, m); err != nil {
		return err
	}
	s.did(r, "mark", f.Verdict.Station, fmt.Sprintf("%s (%s) as %s", f.Verdict.ID, f.Verdict.Verdict, truth))
	return ok(w, describeMark(&m))
}

// truthOf is what the part was, from what somebody says of its verdict.
func truthOf(mark string, kind verdict.Kind) (store.Truth, error) {
	if kind == verdict.NoRead {
		return "", refused("a no_read says nothing about its part, so that it can be neither right nor wrong")
	}
	switch mark {
	case "good", "defect":
		return store.Truth(mark), nil
	case "right", "wrong":
	default:
		return "", badRequest("mark is %q: say right, wrong, good or defect", mark)
	}
	if kind == verdict.Review {
		return "", refused("a review is neither right nor wrong: say what the part was, good or defect")
	}
	if (mark == "right") == (kind == verdict.Pass) {
		return store.Good, nil
	}
	return store.Defect, nil
}

func (s *Server) unmark(w http.ResponseWriter, r *http.Request) error {
	f, err := s.find(r)
	if err != nil {
		return err
	}
	if f.Mark != nil {
		if err := s.Store.ClearMark(r.Context(), f.Verdict.ID); err != nil {
			return err
		}
		s.did(r, "unmark", f.Verdict.Station, fmt.Sprintf("%s, was %s by %s", f.Verdict.ID, f.Mark.Truth, f.Mark.Who))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rateJSON is a share with its interval; null where nothing was reviewed.
type rateJSON struct {
	Count int      `json:"count"`
	Of    int      `json:"of"`
	Rate  *float64 `json:"rate"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

func newRate(count, of int) rateJSON {
	if of == 0 {
		return rateJSON{}
	}
	r := eval.NewRate(count, of)
	return rateJSON{count, of, &r.Rate, &r.Low, &r.High}
}

type reviewJSON struct {
	Reviewed    int      `json:"reviewed"`
	FalseReject rateJSON `json:"false_reject"`
	SlipThrough rateJSON `json:"slip_through"`
	FailsWrong  rateJSON `json:"fails_wrong"`
	PassesWrong rateJSON `json:"passes_wrong"`
}

// review gives the rates; a good part that went to review counts as not
// passed, as in faird eval.
func (s *Server) review(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	station, from, to := q.station(), q.moment("from"), q.moment("to")
	if q.err != nil {
		return q.err
	}
	n, err := s.Store.Reviewed(r.Context(), station, from, to)
	if err != nil {
		return err
	}
	all := []verdict.Kind{verdict.Pass, verdict.Review, verdict.Fail}
	good, defect := n.Of(store.Good, all...), n.Of(store.Defect, all...)
	return ok(w, reviewJSON{
		Reviewed:    good + defect,
		FalseReject: newRate(n.Of(store.Good, verdict.Review, verdict.Fail), good),
		SlipThrough: newRate(n.Of(store.Defect, verdict.Pass), defect),
		FailsWrong:  newRate(n.Of(store.Good, verdict.Fail), n.Of(store.Good, verdict.Fail)+n.Of(store.Defect, verdict.Fail)),
		PassesWrong: newRate(n.Of(store.Defect, verdict.Pass), n.Of(store.Good, verdict.Pass)+n.Of(store.Defect, verdict.Pass)),
	})
}
