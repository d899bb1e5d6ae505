package web

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"time"

	"faird/pipeline/gallery"
	"faird/store"
	"faird/verdict"
)

// partTimeout is how long a browser may take for one picture of an export.
const partTimeout = 30 * time.Second

// Cutter takes out of a camera's picture what the station's models see of it,
// for pictures that are to be trained on.
type Cutter interface {
	// Cut hands each part on as PNG: of each region, and of each of its tiles.
	// Where a station has but one region its name is "".
	Cut(station string, picture []byte, each func(region string, tile int, png []byte) error) error
	Close() error
}

// labelJSON is a line of an export's marks.json.
type labelJSON struct {
	Files   []string     `json:"files"` // none where it is not known which region the defect is in
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
	e := exporter{Server: s, request: r, control: http.NewResponseController(w), zip: zip.NewWriter(w), cutter: s.Cutter()}
	defer e.cutter.Close()
	if err := e.all(labelled); err != nil {
		s.Log.Warn().Err(err).Msg("an export was not finished")
		panic(http.ErrAbortHandler) // so that the browser does not take half for the whole
	}
	return nil
}

type exporter struct {
	*Server
	request *http.Request
	control *http.ResponseController
	zip     *zip.Writer
	cutter  Cutter
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

// one takes a picture's parts; one that has just left the archive is left out.
func (e *exporter) one(l store.Labelled) error {
	in, err := e.Archive.Open(l.Picture, gallery.Original.File())
	if err != nil {
		return nil //nolint:nilerr // the oldest make room at any time
	}
	defer in.Close()
	picture, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	found, err := e.Store.Verdict(e.request.Context(), l.ID)
	if err != nil {
		found = store.Found{Verdict: &verdict.Verdict{}} // its row was given up; the picture stays
	}
	label := labelJSON{Files: []string{}, ID: l.ID, Station: l.Station, Verdict: l.Kind, Truth: l.Truth, Who: l.Who, At: verdict.Time{Time: l.At}}
	err = e.cutter.Cut(l.Station, picture, func(region string, tile int, png []byte) error {
		if l.Truth == store.Defect && region != "" && !suspected(found.Verdict, region) {
			return nil
		}
		name := path.Join(region, string(l.Truth), fmt.Sprintf("%s_%s_%04d.png", l.Station, l.ID, tile))
		label.Files = append(label.Files, name)
		return e.add(name, l.At, png)
	})
	e.labels = append(e.labels, label)
	return err
}

// suspected says whether a region of a defective part was not passed: in which
// of those that were the defect is, nobody has said.
func suspected(v *verdict.Verdict, region string) bool {
	for _, one := range v.Inspected {
		if one.Region == region {
			return one.Verdict != verdict.Pass
		}
	}
	return false
}

// add stores a file as it is: a PNG gets no smaller.
func (e *exporter) add(name string, at time.Time, png []byte) error {
	out, err := e.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: at})
	if err == nil {
		_, err = out.Write(png)
	}
	return err
}
