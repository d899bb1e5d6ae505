package camera

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	"faird/camera/imagefile"
	"faird/verdict"
)

// refusal is a request that gets no verdict: the status and what to say.
type refusal struct {
	status int
	error
}

func (r refusal) Unwrap() error { return r.error }

// crowd is a refusal for want of room.
type crowd struct{ error }

func crowded(format string, args ...any) refusal {
	return refusal{http.StatusServiceUnavailable, crowd{fmt.Errorf(format, args...)}}
}

// ServeHTTP takes a picture and answers with its verdict, or says within the
// deadline why there is none.
func (s *upload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	s.connections.answering(r)
	ctx, cancel := context.WithTimeout(r.Context(), s.settings.deadline)
	defer cancel()
	answer, err := s.admit(ctx, w, r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err == nil {
		_, _ = w.Write(answer)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadGoodbye)) // for what is left of the body
	status := http.StatusInternalServerError
	if refused := (refusal{}); errors.As(err, &refused) {
		status = refused.status
		if errors.As(err, new(crowd)) {
			s.full.Do(func() {
				s.log.Warn().Err(err).Str("from", r.RemoteAddr).Msg("an upload was refused; others in the next minute are not logged")
			})
		}
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// admit lets a request in, if it may.
func (s *upload) admit(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := s.guard(r); err != nil {
		return nil, err
	}
	switch {
	case !s.knows(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		return nil, refusal{http.StatusUnauthorized, errors.New("send the header Authorization: Bearer and the token")}
	case path.Clean(r.URL.Path) != s.settings.path:
		return nil, refusal{http.StatusNotFound, fmt.Errorf("pictures are taken at %s", s.settings.path)}
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		return nil, refusal{http.StatusMethodNotAllowed, errors.New("POST or PUT one picture as the body")}
	}
	name := path.Base(r.URL.Query().Get("name"))
	if name == "." || name == "/" {
		name = "upload"
	}
	if len(name) > maxUploadName {
		return nil, refusal{http.StatusBadRequest, fmt.Errorf("the name has %d bytes, at most %d are taken", len(name), maxUploadName)}
	}
	b, err := s.receive(w, r)
	if err != nil {
		return nil, err
	}
	return s.seated(ctx, &delivery{name: name, body: b, came: time.Now(), answer: make(chan []byte, 1)})
}

// maxUploadName bounds a picture's name, in bytes, as file systems do.
const maxUploadName = 255

// seated has a picture judged if there is room.
func (s *upload) seated(ctx context.Context, d *delivery) ([]byte, error) {
	select {
	case s.seats <- struct{}{}:
		defer func() { <-s.seats }()
		return s.judged(ctx, d)
	default:
		d.body.release()
		return nil, crowded("%d pictures are waiting already: send one after the other", uploadSeats)
	}
}

// bounded refuses what is no image, or one beyond the station's limit, by its
// header alone.
func (s *upload) bounded(data []byte) error {
	h, err := imagefile.ReadHeader(data)
	if err != nil {
		return refusal{http.StatusUnsupportedMediaType, fmt.Errorf("%w: send an image as the body, as curl --data-binary @picture.png does", err)}
	}
	if err := h.Within(s.maxPixels); err != nil {
		return refusal{http.StatusRequestEntityTooLarge, err}
	}
	return nil
}

// judged hands a picture to the station and waits for what it says.
func (s *upload) judged(ctx context.Context, d *delivery) ([]byte, error) {
	late := refusal{http.StatusGatewayTimeout, fmt.Errorf("no verdict within %v", s.settings.deadline)}
	select {
	case s.brought <- d: // its body belongs to the worker now
	case <-ctx.Done():
		d.body.release()
		return nil, s.expired(ctx, late)
	}
	select {
	case answer := <-d.answer:
		if answer == nil {
			return nil, refusal{http.StatusServiceUnavailable, errors.New("the picture was not judged: the station is stopping, or waits for another trigger")}
		}
		return answer, nil
	case <-ctx.Done():
		return nil, s.expired(ctx, late)
	}
}

// expired tells the deadline from faird's own end.
func (s *upload) expired(ctx context.Context, late refusal) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return late
	}
	return refusal{http.StatusServiceUnavailable, errors.New("the station is stopping")}
}

// asJSON is a verdict as it goes out on MQTT, nil for none.
func asJSON(v *verdict.Verdict) []byte {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}
