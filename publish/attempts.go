package publish

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostGuessers bounds the addresses and users that are remembered.
const mostGuessers = 4096

// attempts slow down who guesses passwords: so many wrong ones a minute from one
// address for one user. What comes beyond is refused without a look at the
// password. Names that no user has count as one, so that made-up ones cost
// nothing; and nobody who guesses from one address keeps a user out at another.
type attempts struct {
	perMinute int

	mu       sync.Mutex
	guessers map[guesser]*rate.Limiter
}

type guesser struct {
	network netip.Addr // an IPv6 network counts as one
	user    string     // "" for all that there are not
}

func newAttempts(perMinute int) *attempts {
	return &attempts{perMinute: perMinute, guessers: map[guesser]*rate.Limiter{}}
}

// of names who guesses.
func guesserOf(remote, user string) guesser {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return guesser{user: user}
	}
	a := at.Addr().Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return guesser{a, user}
}

// may is whether a password is looked at.
func (a *attempts) may(g guesser) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.guessers[g]
	return l == nil || l.Tokens() >= 1
}

// wrong counts a wrong password.
func (a *attempts) wrong(g guesser) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.guessers[g]
	if l == nil {
		a.forget()
		l = rate.NewLimiter(rate.Every(time.Minute/time.Duration(a.perMinute)), a.perMinute)
		a.guessers[g] = l
	}
	l.Allow()
}

// forget makes room: first of who has not guessed for a while.
func (a *attempts) forget() {
	if len(a.guessers) < mostGuessers {
		return
	}
	for g, l := range a.guessers {
		if l.Tokens() >= float64(a.perMinute) {
			delete(a.guessers, g)
		}
	}
	if len(a.guessers) >= mostGuessers {
		clear(a.guessers)
	}
}
