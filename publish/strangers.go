package publish

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

// Limits on commands to stations that there are not: each is answered on a
// topic that its sender has made up.
const (
	strangersPerSecond = 1
	strangersAtOnce    = 10
	stationLimit       = 64 // bytes of a name, as in the config
	namesShown         = 16
)

// strangers decides which commands to unknown stations are answered.
type strangers struct {
	rate *rate.Limiter
	told rate.Sometimes
}

func newStrangers() *strangers {
	return &strangers{rate: rate.NewLimiter(strangersPerSecond, strangersAtOnce), told: rate.Sometimes{Interval: time.Minute}}
}

// admit is whether a name could be a station's, and its turn has come.
func (s *strangers) admit(station string) bool {
	could := len(station) <= stationLimit && utf8.ValidString(station) && !strings.ContainsFunc(station, unicode.IsControl)
	return could && s.rate.Allow()
}

// stranger is whether a name is known to be no station's.
func (p *Publisher) stranger(station string) bool {
	if station == "" {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.table.knows(station)
}

// unknown says which stations there are instead.
func (p *Publisher) unknown(station string) error {
	p.mu.Lock()
	names := p.table.names
	p.mu.Unlock()
	has := strings.Join(names[:min(len(names), namesShown)], ", ")
	switch more := len(names) - namesShown; {
	case len(names) == 0:
		has = "none"
	case more > 0:
		has = fmt.Sprintf("%s and %d more", has, more)
	}
	return fmt.Errorf("there is no station %q on this box: it has %s", station, has)
}
