package pipeline

import (
	"context"
	"reflect"
	"sync/atomic"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/store"
)

// running is a station at work, what it was made of, and how to stop it.
type running struct {
	*Station

	// change is held by whoever replaces the settings or the override, and never
	// while something loads. Both are read without it.
	change   mutex
	settings atomic.Pointer[settings]
	override atomic.Pointer[Thresholds] // an operator's; nil: none

	idleShadow atomic.Pointer[idleShadow]

	cancel context.CancelFunc
	done   chan struct{}
}

// settings are what a station was made of. They are replaced and never changed:
// a pointer that is still in force says that nothing has changed since.
type settings struct {
	conf       config.Station // with the promoted model in place of the config's
	spec       inspectorSpec
	configured string        // the model that the config names
	promotion  *store.Choice // which put the model in force; nil: the config did
}

// same reports whether a model that was loaded for one of them serves the other.
func (s *settings) same(o *settings) bool {
	return reflect.DeepEqual(s.conf, o.conf) && s.spec.fingerprint == o.spec.fingerprint && s.configured == o.configured &&
		samePromotion(s.promotion, o.promotion)
}

func samePromotion(a, b *store.Choice) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Name == b.Name && a.Hash == b.Hash && a.Before == b.Before && a.Was == b.Was
}

// start runs the station on a goroutine that stop ends.
func (r *running) start(log zerolog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if err := r.Run(ctx); err != nil {
			r.breakDown(err.Error())
			log.Error().Err(err).Msg("the station has stopped")
		}
	}()
}

// stop ends the station and waits until its frame in hand is published.
func (r *running) stop() {
	r.cancel()
	r.end()
}

// end waits for a station that was told to stop, and ends its shadow.
func (r *running) end() {
	<-r.done
	r.setShadow(nil, nil)
}
