package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

// past is a history of one verdict a minute, oldest first.
func past(t *testing.T, s *Store, verdicts ...*verdict.Verdict) []int64 {
	t.Helper()
	keys := make([]int64, len(verdicts))
	for i, v := range verdicts {
		v.Time.Decided = verdict.Time{Time: epoch.Add(time.Duration(i) * time.Minute)}
		var err error
		if keys[i], err = s.Commit(context.Background(), v); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

var epoch = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func judged(n int, station string, kind verdict.Kind, score float64, part string) *verdict.Verdict {
	limit := 0.5
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: fmt.Sprintf("01JDCQ6Q4Z0M2N3P4Q5R6S7T%02d", n), Station: station, Sequence: uint64(n),
		Verdict: kind, Regions: []verdict.Region{}, Threshold: &limit,
	}
	if kind != verdict.NoRead {
		v.Score = &score
	}
	if part != "" {
		v.Trigger = &verdict.Trigger{ID: fmt.Sprint(n), Part: part}
	}
	return v
}

func someHistory(t *testing.T) (*Store, []int64) {
	s := open(t, config.Store{Path: t.TempDir()})
	return s, past(t, s,
		judged(0, "cap", verdict.Pass, 0.1, "A-1"),
		judged(1, "cap", verdict.Fail, 0.9, "A-2"),
		judged(2, "lid", verdict.Pass, 0.2, "A-2"),
		judged(3, "cap", verdict.NoRead, 0, ""),
		judged(4, "lid", verdict.Review, 0.45, ""),
		judged(5, "cap", verdict.Pass, 0.3, "A-3"),
	)
}

func TestFind(t *testing.T) {
	s, keys := someHistory(t)
	mark := func(i int, truth Truth) {
		f, err := s.Verdict(context.Background(), fmt.Sprintf("01JDCQ6Q4Z0M2N3P4Q5R6S7T%02d", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetMark(context.Background(), f, Remark{Truth: truth, Who: "anna", At: epoch}); err != nil {
			t.Fatal(err)
		}
	}
	mark(0, Good)
	mark(1, Good)
	mark(2, Defect)
	if err := s.addPicture(context.Background(), Picture{ID: "01JDCQ6Q4Z0M2N3P4Q5R6S7T04", Key: keys[4], Station: "lid"}); err != nil {
		t.Fatal(err)
	}
	score := func(v float64) *float64 { return &v }
	for name, c := range map[string]struct {
		q    Search
		want []int
	}{
		"everything":    {Search{}, []int{5, 4, 3, 2, 1, 0}},
		"station":       {Search{Station: "lid"}, []int{4, 2}},
		"part":          {Search{Part: "A-2"}, []int{2, 1}},
		"part, station": {Search{Part: "A-2", Station: "cap"}, []int{1}},
		"half a part":   {Search{Part: "A-"}, nil},
		"kinds":         {Search{Kinds: []verdict.Kind{verdict.Fail, verdict.Review}}, []int{4, 1}},
		"from":          {Search{From: epoch.Add(4 * time.Minute)}, []int{5, 4}},
		"to":            {Search{To: epoch.Add(2 * time.Minute)}, []int{1, 0}},
		"scores":        {Search{Least: score(0.2), Most: score(0.45)}, []int{5, 4, 2}},
		"pictures":      {Search{Pictures: true}, []int{4}},
		"marked":        {Search{Marked: WithMark}, []int{2, 1, 0}},
		"not marked":    {Search{Marked: WithoutMark, Station: "cap"}, []int{5, 3}},
		"marked wrong":  {Search{Marked: MarkedWrong}, []int{2, 1}},
		"a page":        {Search{Limit: 2}, []int{5, 4}},
		"the next":      {Search{Limit: 2, Before: keys[4]}, []int{3, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.q.Limit == 0 {
				c.q.Limit = 100
			}
			found, err := s.Find(context.Background(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, f := range found {
				got = append(got, int(f.Verdict.Sequence))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestOneVerdictWithWhatIsKnownOfIt(t *testing.T) {
	s, keys := someHistory(t)
	id := "01JDCQ6Q4Z0M2N3P4Q5R6S7T01"
	p := Picture{ID: id, Key: keys[1], Station: "cap", Why: "fail", Bytes: 99, Width: 640, Height: 480, Field: Rect{1, 2, 3, 4}}
	if err := s.addPicture(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	f, err := s.Verdict(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if f.Key != keys[1] || f.Verdict.Verdict != verdict.Fail || f.Mark != nil || f.Picture == nil || *f.Picture != p {
		t.Errorf("found %+v with picture %+v", f, f.Picture)
	}
	older, newer, err := s.Neighbours(context.Background(), "cap", keys[1])
	if err != nil || older != "01JDCQ6Q4Z0M2N3P4Q5R6S7T00" || newer != "01JDCQ6Q4Z0M2N3P4Q5R6S7T03" {
		t.Errorf("neighbours %q and %q, %v", older, newer, err)
	}
	if _, newer, _ := s.Neighbours(context.Background(), "cap", keys[5]); newer != "" {
		t.Errorf("after the newest comes %q", newer)
	}
	if _, err := s.Verdict(context.Background(), "01JDCQ6Q4Z0M2N3P4Q5R6S7T99"); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown id: %v", err)
	}
	recent, err := s.Recent(context.Background(), "cap", 2)
	if err != nil || len(recent) != 2 || recent[0].Key != keys[3] || recent[1].Key != keys[5] {
		t.Errorf("recent %+v, %v", recent, err)
	}
}

func TestMarksAreReplacedTakenBackAndCounted(t *testing.T) {
	s, _ := someHistory(t)
	ctx := context.Background()
	f, err := s.Verdict(ctx, "01JDCQ6Q4Z0M2N3P4Q5R6S7T01")
	if err != nil {
		t.Fatal(err)
	}
	for _, truth := range []Truth{Good, Defect} {
		if err := s.SetMark(ctx, f, Remark{Truth: truth, Who: "anna", At: epoch, Note: "n"}); err != nil {
			t.Fatal(err)
		}
	}
	f, err = s.Verdict(ctx, f.Verdict.ID)
	if err != nil || f.Mark == nil || f.Mark.Truth != Defect || f.Mark.Who != "anna" || !f.Mark.At.Equal(epoch) || !*f.Mark.Right() {
		t.Fatalf("mark %+v, %v", f.Mark, err)
	}
	for station, want := range map[string]int{"": 1, "cap": 1, "lid": 0} {
		n, err := s.Reviewed(ctx, station, time.Time{}, time.Time{})
		if err != nil || n.Of(Defect, verdict.Fail) != want || n.Of(Good, verdict.Fail) != 0 {
			t.Errorf("station %q: %v, %v", station, n, err)
		}
	}
	if n, err := s.Reviewed(ctx, "", epoch.Add(time.Hour), time.Time{}); err != nil || len(n) != 0 {
		t.Errorf("reviewed of later: %v, %v", n, err)
	}
	if err := s.ClearMark(ctx, f.Verdict.ID); err != nil {
		t.Fatal(err)
	}
	if f, _ = s.Verdict(ctx, f.Verdict.ID); f.Mark != nil {
		t.Errorf("mark %+v is still there", f.Mark)
	}
}

func TestAuditLog(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	ctx := context.Background()
	for i := range 5 {
		e := AuditEntry{At: epoch.Add(time.Duration(i) * time.Second), Who: "anna", Client: "127.0.0.1", Action: "threshold", Station: "cap", Detail: fmt.Sprint(i)}
		if err := s.Audit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.AuditLog(ctx, 0, 3)
	if err != nil || len(first) != 3 || first[0].Detail != "4" || first[0].Who != "anna" || !first[0].At.Equal(epoch.Add(4*time.Second)) {
		t.Fatalf("got %+v, %v", first, err)
	}
	rest, err := s.AuditLog(ctx, first[2].Key, 3)
	if err != nil || len(rest) != 2 || rest[1].Detail != "0" {
		t.Errorf("the rest is %+v, %v", rest, err)
	}
}

// A row that somebody changed into no JSON at all must not break what is done
// with the others.
func TestSearchBesideATamperedRow(t *testing.T) {
	s, keys := someHistory(t)
	ctx := context.Background()
	err := s.submit(ctx, &job{do: func(w *writer) error { return w.exec(`UPDATE history SET payload = x'00ff' WHERE key = ?`, keys[3]) }})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Find(ctx, Search{Kinds: []verdict.Kind{verdict.Fail}, Limit: 10})
	if err != nil || len(found) != 1 {
		t.Errorf("found %d, %v", len(found), err)
	}
}
