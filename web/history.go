package web

import (
	"io"
	"net/http"
	"strconv"

	"faird/pipeline/gallery"
	"faird/store"
	"faird/verdict"
)

// itemJSON is a line of the history.
type itemJSON struct {
	Key       int64          `json:"key"`
	ID        string         `json:"id"`
	Station   string         `json:"station"`
	Sequence  uint64         `json:"sequence"`
	Part      string         `json:"part"`
	Time      verdict.Time   `json:"time"`
	Verdict   verdict.Kind   `json:"verdict"`
	Reason    verdict.Reason `json:"reason"`
	Score     *float64       `json:"score"`
	Threshold *float64       `json:"threshold"`
	Thumb     *string        `json:"thumb"`
	Mark      *markJSON      `json:"mark"`
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	search := store.Search{
		Station: q.station(), Part: q.Get("part"), Kinds: q.kinds(), From: q.moment("from"), To: q.moment("to"),
		Least: q.number("score_min"), Most: q.number("score_max"),
		Pictures: q.oneOf("pictures", "true", "false") == "true",
		Marked:   store.Marked(q.oneOf("marked", "yes", "no", "wrong")),
		Before:   q.integer("before", 0, 1<<62), Limit: q.limit(50, 200),
	}
	if q.err != nil {
		return q.err
	}
	if len(search.Part) > 256 {
		return badRequest("part is longer than 256 bytes")
	}
	found, err := s.Store.Find(r.Context(), search)
	if err != nil {
		return err
	}
	out := page[itemJSON]{Items: make([]itemJSON, len(found))}
	for i, f := range found {
		out.Items[i] = describeItem(f)
	}
	if len(found) == search.Limit {
		out.Next = &found[len(found)-1].Key
	}
	return ok(w, out)
}

func describeItem(f store.Found) itemJSON {
	v := f.Verdict
	out := itemJSON{
		Key: f.Key, ID: v.ID, Station: v.Station, Sequence: v.Sequence, Time: v.Time.Decided, Verdict: v.Verdict, Reason: v.Reason,
		Score: v.Score, Threshold: v.Threshold, Thumb: thumbOf(f), Mark: describeMark(f.Mark),
	}
	if v.Trigger != nil {
		out.Part = v.Trigger.Part
	}
	return out
}

func thumbOf(f store.Found) *string {
	if f.Picture == nil {
		return nil
	}
	address := "/api/verdicts/" + f.Verdict.ID + "/thumb"
	return &address
}

// detailJSON is everything about one verdict.
type detailJSON struct {
	Key     int64            `json:"key"`
	Verdict *verdict.Verdict `json:"verdict"`
	View    *viewJSON        `json:"view"`
	Mark    *markJSON        `json:"mark"`
	Older   *string          `json:"older"`
	Newer   *string          `json:"newer"`
}

// find gives the verdict in the request's path.
func (s *Server) find(r *http.Request) (store.Found, error) {
	id := r.PathValue("id")
	if !verdictID.MatchString(id) {
		return store.Found{}, notFound("%q is not the id of a verdict", id)
	}
	return s.Store.Verdict(r.Context(), id)
}

func (s *Server) verdict(w http.ResponseWriter, r *http.Request) error {
	f, err := s.find(r)
	if err != nil {
		return err
	}
	older, newer, err := s.Store.Neighbours(r.Context(), f.Verdict.Station, f.Key)
	if err != nil {
		return err
	}
	out := detailJSON{Key: f.Key, Verdict: f.Verdict, Mark: describeMark(f.Mark), Older: orNull(older), Newer: orNull(newer)}
	if p := f.Picture; p != nil {
		v := s.storedView(*p)
		out.View = &v
	}
	return ok(w, out)
}

// storedView is what the archive has of a verdict.
func (s *Server) storedView(p store.Picture) viewJSON {
	v := gallery.View{Width: p.Width, Height: p.Height, Field: p.Field}
	if s.Archive != nil {
		v.Judged, v.Restored = s.Archive.Has(p, gallery.Map.File()), s.Archive.Has(p, gallery.Restored.File())
	}
	return describeView(v, "/api/verdicts/"+p.ID+"/", "")
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *Server) storedPicture(w http.ResponseWriter, r *http.Request) error {
	view, known := views[r.PathValue("view")]
	if !known {
		return notFound("there is no view %q: thumb, picture, restored and map", r.PathValue("view"))
	}
	f, err := s.find(r)
	if err != nil {
		return err
	}
	if f.Picture == nil || s.Archive == nil {
		return notFound("no picture of verdict %s is kept", f.Verdict.ID)
	}
	file, err := s.Archive.Open(*f.Picture, view.stored.File())
	if err != nil {
		return notFound("this picture of verdict %s is not kept any more", f.Verdict.ID)
	}
	defer file.Close()
	h := w.Header()
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	h.Set("X-Verdict-Id", f.Verdict.ID)
	h.Set("Content-Type", pictureTypes[view.stored])
	if info, err := file.Stat(); err == nil {
		h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	_, _ = io.Copy(w, file) // a browser that went away is no news
	return nil
}
