package web

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"faird/pipeline/gallery"
	"faird/store"
	"faird/verdict"
)

// partTimeout is how long a browser may take for one picture of an export.
const partTimeout = 30 * time.Second

// labelJSON is a line of an export's marks.json.
type labelJSON struct {
	File    string       `json:"file"`
	ID      string       `json:"id"`
	Station string       `json:"station"`
	Verdict verdict.Kind `json:"verdict"`
	Truth   store.Truth  `json:"truth"`
	Who     string       `json:"who"`
	At      verdict.Time `json:"at"`
}

// export sends the marked pictures as they go, so that their number costs no
// memory.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	station, from, to := q.station(), q.moment("from"), q.moment("to")
	if q.err != nil {
		return q.err
	}
	if s.Archive == nil {
		return notFound("no pictures are kept: see archive.max_bytes")
	}
	labelled, err := s.Store.Labelled(r.Context(), station, from, to)
	if err != nil {
		return err
	}
	if len(labelled) == 0 {
		return notFound("no picture that is kept was marked")
	}
	s.did(r, "export", station, fmt.Sprintf("%d pictures", len(labelled)))
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", `attachment; filename="faird-marked-`+time.Now().UTC().Format("20060102T150405Z")+`.zip"`)
	e := exporter{Server: s, control: http.NewResponseController(w), zip: zip.NewWriter(w)}
	if err := e.all(labelled); err != nil {
		s.Log.Warn().Err(err).Msg("an export was not finished")
		panic(http.ErrAbortHandler) // so that the browser does not take half for the whole
	}
	return nil
}

type exporter struct {
	*Server
	control *http.ResponseController
	zip     *zip.Writer
	labels  []labelJSON
}

func (e *exporter) all(labelled []store.Labelled) error {
	for _, l := range labelled {
		if err := e.control.SetWriteDeadline(time.Now().Add(partTimeout)); err != nil {
			return err
		}
		if err := e.one(l); err != nil {
			return err
		}
	}
	out, err := e.zip.Create("marks.json")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(e.labels); err != nil {
		return err
	}
	return e.zip.Close()
}

// one copies a picture; one that has just left the archive is left out.
func (e *exporter) one(l store.Labelled) error {
	in, err := e.Archive.Open(l.Picture, gallery.Original.File())
	if err != nil {
		return nil //nolint:nilerr // the oldest make room at any time
	}
	defer in.Close()
	name := string(l.Truth) + "/" + l.Station + "_" + l.ID + ".png"
	// A PNG gets no smaller: it is stored as it is.
	out, err := e.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: l.At})
	if err != nil {
		return err
	}
	e.labels = append(e.labels, labelJSON{name, l.ID, l.Station, l.Kind, l.Truth, l.Who, verdict.Time{Time: l.At}})
	_, err = io.Copy(out, in)
	return err
}
