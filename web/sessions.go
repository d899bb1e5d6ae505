package web

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"faird/web/account"
)

// mostSessions bounds the memory; the one that ends first goes.
const mostSessions = 1000

// sessionState is one browser that is logged in.
type sessionState struct {
	user    string
	role    account.Role
	csrf    string
	expires time.Time
	hash    string // of the user's password: another one ends the session
	from    netip.Addr
	agent   [32]byte
}

// sessions are kept in memory alone: a restart logs everybody out. The cookie's
// value is kept as its hash.
type sessions struct {
	life     time.Duration
	accounts *account.File

	mu   sync.Mutex
	open map[[32]byte]*sessionState
}

func newSessions(life time.Duration, a *account.File) *sessions {
	return &sessions{life: life, accounts: a, open: map[[32]byte]*sessionState{}}
}

// begin opens a session and returns the cookie's value.
func (s *sessions) begin(u account.User, r *http.Request) (value string, _ *sessionState) {
	value = account.Random()
	state := &sessionState{
		user: u.Name, role: u.Role, csrf: account.Random(), expires: time.Now().Add(s.life), hash: u.Hash,
		from: clientAddr(r), agent: sha256.Sum256([]byte(r.UserAgent())),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy()
	s.open[sha256.Sum256([]byte(value))] = state
	return value, state
}

// tidy makes room for one more.
func (s *sessions) tidy() {
	now := time.Now()
	var first [32]byte
	for key, state := range s.open {
		if now.After(state.expires) {
			delete(s.open, key)
		} else if f := s.open[first]; f == nil || state.expires.Before(f.expires) {
			first = key
		}
	}
	if len(s.open) >= mostSessions {
		delete(s.open, first)
	}
}

// find gives the session of a cookie. One that comes from another address or
// another browser than it was given to was stolen, and ends; so does one whose
// user is gone, or has another password or role.
func (s *sessions) find(value string, r *http.Request) (*sessionState, bool) {
	key := sha256.Sum256([]byte(value))
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.open[key]
	if state == nil {
		return nil, false
	}
	if !s.holds(state) || state.from != clientAddr(r) || state.agent != sha256.Sum256([]byte(r.UserAgent())) {
		delete(s.open, key)
		return nil, false
	}
	return state, true
}

// holds reports whether a session is still good.
func (s *sessions) holds(state *sessionState) bool {
	u, ok := s.accounts.User(state.user)
	return ok && time.Now().Before(state.expires) && u.Hash == state.hash && u.Role == state.role
}

func (s *sessions) end(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(value)))
}

// alive is holds for a session that may have ended meanwhile.
func (s *sessions) alive(state *sessionState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.open {
		if open == state {
			return s.holds(state)
		}
	}
	return false
}
