package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"faird/store"
	"faird/verdict"
	"faird/web/account"
)

const checkTimeout = 5 * time.Second

// sessionJSON is who the browser is.
type sessionJSON struct {
	User    string       `json:"user"`
	Role    account.Role `json:"role"`
	CSRF    string       `json:"csrf"`
	Expires verdict.Time `json:"expires"`
}

func describeSession(who identity) sessionJSON {
	out := sessionJSON{User: who.name, Role: who.role}
	if who.session != nil {
		out.CSRF, out.Expires = who.session.csrf, verdict.Time{Time: who.session.expires}
	}
	return out
}

func (s *Server) session(w http.ResponseWriter, r *http.Request) error {
	return ok(w, describeSession(asker(r)))
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	var in struct{ User, Password string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.User == "" || in.Password == "" || len(in.User) > 64 || len(in.Password) > 256 {
		return badRequest("give user and password")
	}
	if !s.limits.address(clientAddr(r)) || !s.limits.user(in.User) {
		w.Header().Set("Retry-After", strconv.Itoa(int(tryEvery.Seconds())))
		return tooMany
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	u, err := s.accounts.Check(ctx, in.User, in.Password)
	if errors.Is(err, account.ErrWrong) {
		s.auditAs(r, in.User, "login_failed", "", "")
		return unauthorised(err.Error())
	}
	if err != nil {
		return err
	}
	s.limits.back(clientAddr(r), in.User)
	if old := asker(r).session; old != nil {
		s.endCookie(r)
	}
	value, state := s.sessions.begin(u, r)
	http.SetCookie(w, s.cookie(value, s.Config.Session))
	s.auditAs(r, u.Name, "login", "", "")
	return ok(w, describeSession(identity{name: u.Name, role: u.Role, session: state}))
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if who := asker(r); who.session != nil {
		s.endCookie(r)
		s.auditAs(r, who.name, "logout", "", "")
	}
	http.SetCookie(w, s.cookie("", 0))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) endCookie(r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.sessions.end(c.Value)
	}
}

// auditAs writes down what somebody did. What was done stands where the disk
// refuses to have it written down; the log has it then.
func (s *Server) auditAs(r *http.Request, who, action, station, detail string) {
	e := store.AuditEntry{At: time.Now(), Who: who, Client: clientAddr(r).String(), Action: action, Station: station, Detail: detail}
	if err := s.Store.Audit(context.WithoutCancel(r.Context()), e); err != nil {
		s.Log.Error().Err(err).Str("who", who).Str("action", action).Str("station", station).Str("detail", detail).
			Msg("not written to the audit log")
	}
}

// did writes down what the asker did.
func (s *Server) did(r *http.Request, action, station, detail string) {
	s.auditAs(r, asker(r).name, action, station, detail)
}

// auditJSON is a line of the audit log.
type auditJSON struct {
	Key     int64        `json:"key"`
	At      verdict.Time `json:"at"`
	Who     string       `json:"who"`
	From    string       `json:"from"`
	Action  string       `json:"action"`
	Station string       `json:"station"`
	Detail  string       `json:"detail"`
}

func (s *Server) audit(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	before, limit := q.integer("before", 0, 1<<62), q.limit(50, 200)
	if q.err != nil {
		return q.err
	}
	entries, err := s.Store.AuditLog(r.Context(), before, limit)
	if err != nil {
		return err
	}
	items := make([]auditJSON, len(entries))
	for i, e := range entries {
		items[i] = auditJSON{e.Key, verdict.Time{Time: e.At}, e.Who, e.Client, e.Action, e.Station, e.Detail}
	}
	out := page[auditJSON]{Items: items}
	if len(items) == limit {
		out.Next = &items[len(items)-1].Key
	}
	return ok(w, out)
}
