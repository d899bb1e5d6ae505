package publish

import "time"

// OnLive has f called for every verdict on a picture that went out as it was
// decided, once the broker has acknowledged it: how long after the exposure. It
// must be quick. To be set before Run.
func (p *Publisher) OnLive(f func(station string, sinceExposure time.Duration)) { p.onLive = f }

// timed tells OnLive's function of an acknowledgement, beside whom it is for.
func (p *Publisher) timed(e entry, settle func(acked bool)) func(acked bool) {
	if e.repeat || e.exposed.IsZero() {
		return settle
	}
	return func(acked bool) {
		settle(acked)
		if acked {
			p.onLive(e.station, time.Since(e.exposed))
		}
	}
}
