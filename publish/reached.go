package publish

import (
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// sayEvery is how often the log says the same of the built-in broker.
const sayEvery = time.Minute

// Use is one limit of the built-in broker.
type Use struct {
	Limit   string  // its key in mqtt.builtin.limits
	Max     float64 // seconds or bytes or a number
	Now     float64 // of a limit on what is kept; else 0
	Kept    bool    // Now means something
	Reached uint64  // how often since the start
}

// reached counts how often each limit of the built-in broker is reached, and
// says so, each at most once a minute: whoever attacks does not fill the log.
type reached struct {
	log zerolog.Logger

	mu    sync.Mutex
	kinds map[string]*kind
}

// mostKinds bounds what is counted apart: names come from outside.
const mostKinds = 256

// kind is one limit, or one sort of refusal.
type kind struct {
	times, unsaid uint64
	said          time.Time
}

func newReached(log zerolog.Logger) *reached {
	return &reached{log: log, kinds: map[string]*kind{}}
}

// limit notes that a limit has been reached, and by whom.
func (r *reached) limit(limit, who string) {
	if times, due := r.note(limit); due {
		r.log.Warn().Str("limit", limit).Str("by", clip(who)).Uint64("times", times).
			Msg("built-in broker: a limit is reached: see mqtt.builtin.limits")
	}
}

// note counts something, a word alone or one and a name, and returns how often it was since it was last said, where it is
// time to say it again.
func (r *reached) note(what string) (times uint64, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[what]
	if k == nil && len(r.kinds) >= mostKinds {
		what, _, _ = strings.Cut(what, " ")
		k = r.kinds[what]
	}
	if k == nil {
		k = &kind{}
		r.kinds[what] = k
	}
	k.times++
	k.unsaid++
	if time.Since(k.said) < sayEvery {
		return 0, false
	}
	times, k.unsaid, k.said = k.unsaid, 0, time.Now()
	return times, true
}

// times is how often it was.
func (r *reached) times(what string) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.kinds[what]; k != nil {
		return k.times
	}
	return 0
}
