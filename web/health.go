package web

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"slices"
)

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
	return nil
}

// readyJSON says whether parts are judged and their verdicts reach disk and broker.
type readyJSON struct {
	Ready bool     `json:"ready"`
	Why   []string `json:"why"`
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	out := readyJSON{Why: []string{}}
	states := s.Stations.States()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if st := states[name]; !st.Ready {
			out.Why = append(out.Why, "station "+name+": "+st.Why)
		}
	}
	if len(states) == 0 {
		out.Why = append(out.Why, "there are no stations")
	}
	if b := s.Broker.Status(); !b.Connected {
		out.Why = append(out.Why, "broker: "+cmp.Or(b.Err, "not connected yet"))
	}
	if b := s.Broker.Builtin(); b != nil && b.Err != "" {
		out.Why = append(out.Why, "built-in broker: "+b.Err)
	}
	if t := s.Store.Stats(); t.Err != "" {
		out.Why = append(out.Why, "store: "+t.Err)
	}
	out.Ready = len(out.Why) == 0
	status := http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, out)
	return nil
}
