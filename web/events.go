package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	stateEvery  = time.Second
	pingEvery   = 15 * time.Second
	sendTimeout = 5 * time.Second // for a browser to take what it is sent
)

// events is the stream of server-sent events of one browser.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	station := q.station()
	if q.err != nil {
		return q.err
	}
	c := s.Feed.join(station)
	if c == nil {
		w.Header().Set("Retry-After", "5")
		return &problem{http.StatusServiceUnavailable, "unavailable", fmt.Sprintf("%d browsers watch already", mostClients)}
	}
	defer s.Feed.leave(c)
	defer s.Pictures.Watch()()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	state, err := json.Marshal(s.describe())
	if err != nil {
		return err
	}
	c.tell(state)
	out := stream{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // the server's is for a whole request
	s.follow(r, c, out)
	return nil
}

// follow sends until the browser is gone, its session ends, or the page goes down.
func (s *Server) follow(r *http.Request, c *client, out stream) {
	session := asker(r).session
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	check := time.NewTicker(stateEvery)
	defer check.Stop()
	for {
		select {
		case <-c.wake:
			if out.send(s, c) != nil {
				return
			}
		case <-check.C:
			if session != nil && !s.sessions.alive(session) {
				_ = out.event("bye", []byte("{}"))
				return
			}
		case <-ping.C:
			if out.write([]byte(":\n\n")) != nil {
				return
			}
		case <-s.quit:
			_ = out.event("bye", []byte("{}"))
			return
		case <-r.Context().Done():
			return
		}
	}
}

// stream writes server-sent events, each within sendTimeout.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (o stream) send(s *Server, c *client) error {
	state, events := c.take()
	if state != nil {
		if err := o.event("state", state); err != nil {
			return err
		}
	}
	for _, e := range events {
		if err := o.event("verdict", e.text(s)); err != nil {
			return err
		}
	}
	return nil
}

func (o stream) event(name string, data []byte) error {
	return o.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data))
}

func (o stream) write(text []byte) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	if _, err := o.w.Write(text); err != nil {
		return err
	}
	return o.control.Flush()
}

// tellStates has the browsers know when the box's state changes.
func (s *Server) tellStates(ctx context.Context) {
	tick := time.NewTicker(stateEvery)
	defer tick.Stop()
	var before []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.Feed.listeners() == 0 {
			continue
		}
		now := s.describe()
		like := now
		like.Time = like.Started
		key, err := json.Marshal(like)
		if err != nil || bytes.Equal(key, before) {
			continue
		}
		before = key
		if text, err := json.Marshal(now); err == nil {
			s.Feed.tell(text)
		}
	}
}
