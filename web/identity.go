package web

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"faird/web/account"
)

const (
	cookieName = "faird_session"
	csrfHeader = "X-CSRF-Token"
)

// identity is who asks.
type identity struct {
	name    string // "" is nobody in particular
	role    account.Role
	session *sessionState // nil: no browser that is logged in
}

type identityKey struct{}

func withIdentity(ctx context.Context, who identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// asker is who the request is from.
func asker(r *http.Request) identity {
	who, _ := r.Context().Value(identityKey{}).(identity)
	return who
}

// identify says who asks. A token that is not good is an error; a cookie that
// is not, is nobody.
func (s *Server) identify(r *http.Request) (identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		secret, bearer := strings.CutPrefix(header, "Bearer ")
		if t, ok := s.accounts.Machine(secret, clientAddr(r)); bearer && ok {
			return identity{name: t.Name, role: t.Role}, nil
		}
		if !s.limits.address(clientAddr(r)) {
			return identity{}, tooMany
		}
		return identity{}, unauthorised("this token is unknown here, has expired, or may not come from " + clientAddr(r).String())
	}
	if c, err := r.Cookie(cookieName); err == nil {
		if state, ok := s.sessions.find(c.Value, r); ok {
			return identity{name: state.user, role: state.role, session: state}, nil
		}
	}
	if s.Config.Anyone() {
		return identity{role: account.Viewer}, nil
	}
	return identity{}, nil
}

func unauthorised(text string) error {
	return &problem{http.StatusUnauthorized, "unauthorised", text}
}

// allow checks the role and, for a browser that changes something, that it was
// this page that asked.
func (s *Server) allow(r *http.Request, who identity, o route) error {
	if who.role < o.need {
		if who.name == "" {
			return unauthorised("log in first")
		}
		return &problem{http.StatusForbidden, "forbidden", "this needs the role " + o.need.String() + ", and " + who.name + " has " + who.role.String()}
	}
	if who.session == nil || o.method == http.MethodGet {
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(who.session.csrf)) != 1 {
		return &problem{http.StatusForbidden, "csrf", "the header " + csrfHeader + " is missing or not this session's"}
	}
	return nil
}

// cookie is the session's; an empty value clears it.
func (s *Server) cookie(value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.cert != nil, MaxAge: int(life.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
