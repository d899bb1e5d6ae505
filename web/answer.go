package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"mime"
	"net/http"
	"strconv"

	"github.com/rs/zerolog"

	"faird/config/redact"
	"faird/pipeline/gallery"
	"faird/store"
)

// problem is an error that the client can do something about.
type problem struct {
	status int
	code   string // for programs
	text   string // for people
}

func (p *problem) Error() string { return p.text }

func badRequest(format string, args ...any) error {
	return &problem{http.StatusBadRequest, "bad_request", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &problem{http.StatusNotFound, "not_found", fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return &problem{http.StatusUnprocessableEntity, "refused", fmt.Sprintf(format, args...)}
}

// fail answers with an error; one that is nobody's fault out there is logged.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &large):
		p = &problem{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body is larger than %d bytes", large.Limit)}
	case errors.Is(err, store.ErrUnknown), errors.Is(err, gallery.ErrNone), errors.Is(err, fs.ErrNotExist):
		p = &problem{http.StatusNotFound, "not_found", err.Error()}
	case r.Context().Err() != nil:
		return // nobody is there to read it
	default:
		s.Log.Error().Err(err).Str("path", r.URL.Path).Msg("a request failed")
		p = &problem{http.StatusServiceUnavailable, "unavailable", "this cannot be answered now; the box's log says why"}
	}
	writeJSON(w, p.status, map[string]string{"error": redact.Text(p.text), "code": p.code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written","code":"internal"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that went away is no news
}

func ok(w http.ResponseWriter, v any) error {
	writeJSON(w, http.StatusOK, v)
	return nil
}

// readJSON reads a request's one JSON object and nothing more.
func readJSON(w http.ResponseWriter, r *http.Request, to any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "unsupported", "send Content-Type: application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		return badRequest("the body is not what is wanted: %v", err)
	}
	return err
}

// quiet has net/http's own complaints, such as a client that hangs up in the
// middle of a handshake, logged where somebody looks for them.
func quiet(l zerolog.Logger) *log.Logger {
	return log.New(writer{l}, "", 0)
}

type writer struct{ log zerolog.Logger }

func (w writer) Write(p []byte) (int, error) {
	w.log.Debug().Msg(string(p))
	return len(p), nil
}
