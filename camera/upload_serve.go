package camera

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"faird/camera/imagefile"
	"faird/verdict"
)

// refusal is a request that gets no verdict: the status and what to say.
type refusal struct {
	status int
	error
}

// ServeHTTP takes a picture and answers with its verdict, or says within the
// deadline why there is none.
func (s *upload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	ctx, cancel := context.WithTimeout(r.Context(), s.settings.deadline)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.settings.deadline))
	answer, err := s.admit(ctx, w, r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err == nil {
		_, _ = w.Write(answer)
		return
	}
	status := http.StatusInternalServerError
	if refused := (refusal{}); errors.As(err, &refused) {
		status = refused.status
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// admit lets a request in, if it may and there is room.
func (s *upload) admit(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
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
	select {
	case seat := <-s.seats:
		defer func() { s.seats <- seat }()
		return s.receive(ctx, w, r, seat)
	default:
		return nil, refusal{http.StatusServiceUnavailable, fmt.Errorf("%d pictures are waiting already: send one after the other", uploadSeats)}
	}
}

// knows compares the token in a time that tells nothing about it.
func (s *upload) knows(r *http.Request) bool {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.settings.token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(s.settings.token)) == 1
}

// receive reads the picture into a seat's memory.
func (s *upload) receive(ctx context.Context, w http.ResponseWriter, r *http.Request, seat *bytes.Buffer) ([]byte, error) {
	seat.Reset()
	_, err := seat.ReadFrom(http.MaxBytesReader(w, r.Body, s.settings.most))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("a picture may have %d bytes: send a smaller one, or raise max", s.settings.most)}
	}
	if err != nil {
		return nil, refusal{http.StatusBadRequest, fmt.Errorf("the picture did not come through: %w", err)}
	}
	if err := s.bounded(seat.Bytes()); err != nil {
		return nil, err
	}
	name := path.Base(r.URL.Query().Get("name"))
	if name == "." || name == "/" {
		name = "upload"
	}
	return s.judged(ctx, &delivery{name: name, data: seat.Bytes(), came: time.Now(), read: make(chan struct{}), answer: make(chan []byte, 1)})
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
	case s.brought <- d:
		defer func() { <-d.read }() // until then the picture's memory is in use
	case <-ctx.Done():
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
