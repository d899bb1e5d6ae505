package web

import (
	"net/http"
	"strconv"

	"faird/pipeline/gallery"
	"faird/publish"
	"faird/verdict"
)

// views are the pictures by the name they have in addresses.
var views = map[string]struct{ live, stored gallery.Kind }{
	"thumb":    {gallery.Thumb, gallery.Thumb},
	"picture":  {gallery.Whole, gallery.Original},
	"restored": {gallery.Restored, gallery.Restored},
	"map":      {gallery.Map, gallery.Map},
}

// pictureTypes by kind.
var pictureTypes = map[gallery.Kind]string{
	gallery.Thumb: "image/jpeg", gallery.Whole: "image/jpeg", gallery.Restored: "image/jpeg",
	gallery.Map: "image/png", gallery.Original: "image/png",
}

// station gives the state of the station in the request's path.
func (s *Server) station(r *http.Request) (string, publish.StationState, error) {
	name := r.PathValue("station")
	st, found := s.Stations.States()[name]
	if !found {
		return "", st, notFound("there is no station %q", name)
	}
	return name, st, nil
}

func (s *Server) livePicture(w http.ResponseWriter, r *http.Request) error {
	view, known := views[r.PathValue("view")]
	if !known {
		return notFound("there is no view %q: thumb, picture, restored and map", r.PathValue("view"))
	}
	name, _, err := s.station(r)
	if err != nil {
		return err
	}
	data, id, err := s.Pictures.Newest(name, view.live)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	switch r.URL.Query().Get("id") {
	case "":
	case id:
		h.Set("Cache-Control", "private, max-age=600, immutable")
	default: // a newer one is in its place: never another part's picture
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h.Set("X-Verdict-Id", id)
	h.Set("Content-Type", pictureTypes[view.live])
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // a browser that went away is no news
	return nil
}

// scoreJSON is a point of the chart.
type scoreJSON struct {
	Key       int64        `json:"key"`
	ID        string       `json:"id"`
	Time      verdict.Time `json:"time"`
	Verdict   verdict.Kind `json:"verdict"`
	Score     *float64     `json:"score"`
	Threshold *float64     `json:"threshold"`
	Review    *float64     `json:"review"`
}

func (s *Server) scores(w http.ResponseWriter, r *http.Request) error {
	name, _, err := s.station(r)
	if err != nil {
		return err
	}
	q := query{r.URL.Query(), nil}
	last := q.integer("last", 300, 5000)
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.Recent(r.Context(), name, int(last))
	if err != nil {
		return err
	}
	points := make([]scoreJSON, len(found))
	for i, f := range found {
		v := f.Verdict
		points[i] = scoreJSON{f.Key, v.ID, v.Time.Decided, v.Verdict, v.Score, v.Threshold, v.Review}
	}
	return ok(w, map[string]any{"scores": points})
}
