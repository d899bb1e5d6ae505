package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to log in.
const (
	triesAtOnce = 5
	tryEvery    = 10 * time.Second // from one address, and for one user
	userAtOnce  = 10
	mostKeys    = 4096
)

var tooMany = &problem{http.StatusTooManyRequests, "too_many", "too many tries: wait a little"}

// limits slow down who guesses.
type limits struct {
	mu        sync.Mutex
	addresses map[netip.Addr]*rate.Limiter
	users     map[string]*rate.Limiter
}

func newLimits() *limits {
	return &limits{addresses: map[netip.Addr]*rate.Limiter{}, users: map[string]*rate.Limiter{}}
}

// address takes one try of an address; an IPv6 network counts as one.
func (l *limits) address(a netip.Addr) bool {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return take(l.addresses, a, triesAtOnce)
}

// user takes one try of a name, from wherever.
func (l *limits) user(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return take(l.users, name, userAtOnce)
}

func take[K comparable](m map[K]*rate.Limiter, key K, burst int) bool {
	r := m[key]
	if r == nil {
		if len(m) >= mostKeys {
			forget(m, burst)
		}
		r = rate.NewLimiter(rate.Every(tryEvery), burst)
		m[key] = r
	}
	return r.Allow()
}

// forget drops who has not tried for long, or everybody.
func forget[K comparable](m map[K]*rate.Limiter, burst int) {
	for key, r := range m {
		if r.Tokens() >= float64(burst) {
			delete(m, key)
		}
	}
	if len(m) >= mostKeys {
		clear(m)
	}
}

// back undoes a try that turned out right.
func (l *limits) back(a netip.Addr, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, name)
	delete(l.addresses, a)
}
