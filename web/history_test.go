package web

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"faird/eval"
	"faird/verdict"
)

func TestHistoryPages(t *testing.T) {
	w := newWorld(t, nil)
	for range 3 {
		w.decide("cap", verdict.Pass, 0.1)
		w.decide("cap", verdict.Fail, 0.9)
		w.decide("lid", verdict.NoRead, 0)
	}
	b := w.browser()
	var ids []string
	path := "/api/history?limit=4"
	for {
		status, body := b.get(path)
		want(t, path, status, body, 200)
		p := decode[page[itemJSON]](t, body)
		for _, i := range p.Items {
			ids = append(ids, i.ID)
			if (i.Thumb != nil) != (i.Verdict != verdict.NoRead) || i.Part == "" {
				t.Errorf("item %+v", i)
			}
		}
		if p.Next == nil {
			break
		}
		path = fmt.Sprintf("/api/history?limit=4&before=%d", *p.Next)
	}
	if len(ids) != 9 {
		t.Errorf("%d verdicts on all pages: %v", len(ids), ids)
	}
	q := url.Values{
		"station": {"cap"}, "verdict": {"fail,review"}, "score_min": {"0.5"}, "pictures": {"true"}, "marked": {"no"},
		"from": {time.Now().Add(-time.Hour).Format(time.RFC3339)}, "to": {time.Now().Add(time.Hour).Format(time.RFC3339Nano)},
	}
	status, body := b.get("/api/history?" + q.Encode())
	want(t, "everything at once", status, body, 200)
	if p := decode[page[itemJSON]](t, body); len(p.Items) != 3 {
		t.Errorf("found %d fails", len(p.Items))
	}
	status, body = b.get("/api/history?part=A-2")
	if p := decode[page[itemJSON]](t, body); status != 200 || len(p.Items) != 1 || p.Items[0].Part != "A-2" {
		t.Errorf("part: %d %s", status, body)
	}
}

func TestHistoryRefusesNonsense(t *testing.T) {
	w := newWorld(t, nil)
	for _, q := range []string{
		"verdict=maybe", "verdict=fail,", "from=yesterday", "score_min=high", "score_max=NaN", "score_min=Inf", "limit=0", "limit=5000", "before=-1",
		"marked=perhaps", "pictures=2", "station=" + url.QueryEscape("a/b"), "part=" + strings.Repeat("x", 300), "before=99999999999999999999",
	} {
		status, body := w.browser().get("/api/history?" + q)
		want(t, q, status, body, 400)
	}
}

func TestDetailAndItsPictures(t *testing.T) {
	w := newWorld(t, nil)
	before := w.decide("cap", verdict.Pass, 0.1)
	v := w.decide("cap", verdict.Fail, 0.9)
	b := w.browser()
	status, body := b.get("/api/verdicts/" + v.ID)
	want(t, "detail", status, body, 200)
	d := decode[detailJSON](t, body)
	if d.Verdict.ID != v.ID || d.Older == nil || *d.Older != before.ID || d.Newer != nil || len(d.Verdict.Regions) != 1 || d.View == nil || d.View.Width != 64 || d.View.Field.X != 8 {
		t.Fatalf("detail %s", body)
	}
	for _, address := range []string{d.View.Thumb, d.View.Picture, d.View.Restored, d.View.Map} {
		status, body := b.get(address)
		if status != 200 || len(body) < 50 {
			t.Errorf("%s: %d, %d bytes", address, status, len(body))
		}
	}
	_, body = b.get(d.View.Picture)
	if p, err := png.Decode(bytes.NewReader(body)); err != nil || p.Bounds().Dx() != 64 || p.Bounds().Dy() != 48 {
		t.Errorf("the picture itself: %v", err)
	}
	_, body = b.get(d.View.Map)
	p, err := png.Decode(bytes.NewReader(body))
	if err != nil || p.Bounds().Dx() != 16 {
		t.Fatalf("the map: %v", err)
	}
	if _, _, _, clear := p.At(0, 0).RGBA(); clear != 0 {
		t.Error("the map covers where nothing is")
	}
	if _, _, _, full := p.At(5, 0).RGBA(); full < 0xd000 {
		t.Error("the map does not show its peak")
	}
	for _, path := range []string{"/api/verdicts/01JDCQ6Q4Z0M2N3P4Q5R6S7T99", "/api/verdicts/nonsense", "/api/verdicts/" + v.ID + "/nonsense", "/api/verdicts/01JDCQ6Q4Z0M2N3P4Q5R6S7T99/thumb"} {
		status, body := b.get(path)
		want(t, path, status, body, 404)
	}
}

func TestMarks(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	kinds := map[string]*verdict.Verdict{
		"pass": w.decide("cap", verdict.Pass, 0.1), "fail": w.decide("cap", verdict.Fail, 0.9),
		"review": w.decide("cap", verdict.Review, 0.45), "no_read": w.decide("cap", verdict.NoRead, 0),
	}
	b := w.as("olga")
	for _, c := range []struct {
		kind, mark, truth string
		right             string
		status            int
	}{
		{"pass", "right", "good", "true", 200},
		{"pass", "wrong", "defect", "false", 200},
		{"fail", "right", "defect", "true", 200},
		{"fail", "wrong", "good", "false", 200},
		{"fail", "defect", "defect", "true", 200},
		{"review", "good", "good", "null", 200},
		{"review", "right", "", "", 422},
		{"no_read", "good", "", "", 422},
		{"pass", "perhaps", "", "", 400},
	} {
		path := "/api/verdicts/" + kinds[c.kind].ID + "/mark"
		status, body := b.put(path, map[string]string{"mark": c.mark, "note": "seen"})
		want(t, c.kind+" as "+c.mark, status, body, c.status)
		if status == 200 && (!strings.Contains(string(body), `"truth":"`+c.truth+`"`) || !strings.Contains(string(body), `"right":`+c.right) ||
			!strings.Contains(string(body), `"who":"olga"`)) {
			t.Errorf("%s as %s: %s", c.kind, c.mark, body)
		}
	}
	status, body := b.delete("/api/verdicts/" + kinds["pass"].ID + "/mark")
	want(t, "taking back", status, body, 204)
	_, body = b.get("/api/verdicts/" + kinds["pass"].ID)
	if d := decode[detailJSON](t, body); d.Mark != nil {
		t.Errorf("mark %+v is still there", d.Mark)
	}
	_, body = b.get("/api/verdicts/" + kinds["fail"].ID)
	if d := decode[detailJSON](t, body); d.Mark == nil || d.Mark.Truth != "defect" || d.Mark.Note != "seen" {
		t.Errorf("mark %+v", d.Mark)
	}
}

func TestReviewRatesAndExport(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	_, body := b.get("/api/review")
	if r := decode[reviewJSON](t, body); r.Reviewed != 0 || r.FalseReject.Rate != nil {
		t.Errorf("before any review: %s", body)
	}
	status, body := b.get("/api/review/export")
	want(t, "exporting nothing", status, body, 404)
	mark := func(kind verdict.Kind, score float64, mark string) {
		v := w.decide("cap", kind, score)
		status, body := b.put("/api/verdicts/"+v.ID+"/mark", map[string]string{"mark": mark})
		want(t, "mark", status, body, 200)
	}
	for range 3 {
		mark(verdict.Pass, 0.1, "good")
	}
	mark(verdict.Pass, 0.2, "wrong")
	mark(verdict.Fail, 0.9, "wrong")
	mark(verdict.Fail, 0.9, "right")
	mark(verdict.Review, 0.45, "good")
	status, body = b.get("/api/review?station=cap")
	want(t, "review", status, body, 200)
	r := decode[reviewJSON](t, body)
	for what, c := range map[string]struct {
		got       rateJSON
		count, of int
	}{
		"false reject": {r.FalseReject, 2, 5}, "slip-through": {r.SlipThrough, 1, 2},
		"fails": {r.FailsWrong, 1, 2}, "passes": {r.PassesWrong, 1, 4},
	} {
		exact := eval.NewRate(c.count, c.of)
		if c.got.Count != c.count || c.got.Of != c.of || *c.got.Low != exact.Low || *c.got.High != exact.High {
			t.Errorf("%s: %+v", what, c.got)
		}
	}
	status, body = b.get("/api/review/export")
	want(t, "export", status, nil, 200)
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, f := range z.File {
		folder, _, _ := strings.Cut(f.Name, "/")
		count[folder]++
	}
	if count["good"] != 5 || count["defect"] != 2 || count["marks.json"] != 1 || len(count) != 3 {
		t.Errorf("the archive holds %v", count)
	}
}

// Of a defective part only the regions that were not passed are known to show it.
func TestExportOfSeveralRegions(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	w.inspected = []verdict.Inspected{{Region: "left", Verdict: verdict.Pass}, {Region: "right", Verdict: verdict.Fail}}
	bad, good := w.decide("lid", verdict.Fail, 0.9), w.decide("lid", verdict.Fail, 0.9)
	for id, mark := range map[string]string{bad.ID: "right", good.ID: "wrong"} {
		status, body := b.put("/api/verdicts/"+id+"/mark", map[string]string{"mark": mark})
		want(t, "mark", status, body, 200)
	}
	_, body := b.get("/api/review/export")
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	end := func(id string) string { return "/lid_" + id + "_0000.png" }
	if !slices.Equal(names, []string{"left/good" + end(good.ID), "marks.json", "right/defect" + end(bad.ID), "right/good" + end(good.ID)}) {
		t.Errorf("the archive holds %q", names)
	}
}

func TestScores(t *testing.T) {
	w := newWorld(t, nil)
	w.decide("cap", verdict.Pass, 0.1)
	w.decide("cap", verdict.NoRead, 0)
	last := w.decide("cap", verdict.Fail, 0.9)
	status, body := w.browser().get("/api/stations/cap/scores?last=2")
	want(t, "scores", status, body, 200)
	s := decode[struct{ Scores []scoreJSON }](t, body).Scores
	if len(s) != 2 || s[0].Score != nil || s[1].ID != last.ID || *s[1].Score != 0.9 {
		t.Errorf("scores %s", body)
	}
	status, body = w.browser().get("/api/stations/none/scores")
	want(t, "no such station", status, body, 404)
	status, body = w.browser().get("/api/stations/none/live/thumb")
	want(t, "no such station", status, body, 404)
}
