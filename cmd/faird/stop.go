package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/pipeline/tasks"
)

// How long a stop may take. systemd kills the daemon ten seconds after SIGTERM
// (TimeoutStopSec); what hangs is left behind before that.
const (
	exitTimeout     = 8500 * time.Millisecond // from SIGTERM to the exit
	stopTimeout     = 6500 * time.Millisecond // for everything but the store
	stationsTimeout = 5500 * time.Millisecond // for the frames in hand, an inspection of which may take 5 s
	flushTimeout    = time.Second             // for live verdicts to be acknowledged
	loadsTimeout    = 2 * time.Second         // for models that load to come back
	reloadTimeout   = time.Second             // for a config that is being put in force
)

// inTime runs the daemon and returns when it does, or soon after ctx has ended: a
// call that hangs, into a file system or a driver, holds up no stop. What is left
// behind then is named in the log.
func inTime(ctx context.Context, parts *tasks.Group, run func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(exitTimeout):
		abandon(newLog(config.Default().Log), parts.Running())
		return nil
	}
}

// abandon says what is left behind.
func abandon(log zerolog.Logger, left []tasks.Task) {
	for _, t := range left {
		log.Warn().Str("running", t.Name).Time("since", t.Since).Msg("does not end: it is abandoned")
	}
}

// cutShort notes that a stop has ended a start or a reload. Where err is no more
// than that it is no failure.
func (d *daemon) cutShort(ctx context.Context, err error) {
	e := d.log.Info()
	if !errors.Is(err, context.Cause(ctx)) && !errors.Is(err, ctx.Err()) {
		e = d.log.Error().Err(err)
	}
	e.Msg("stopped before everything was loaded")
}

// stop ends the parts of the daemon in the order in which they need each other:
// the stations, then what sends their verdicts, then the rest. done is called when
// everything is sent that could be.
func (d *daemon) stop(g *errgroup.Group, stopRest context.CancelFunc, done func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	d.notify.Stopping()
	d.stopStations(ctx)
	d.flush(ctx)
	d.edge.stop(ctx)
	done()
	stopRest()
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	d.nameLeft(ctx)
	d.log.Info().Msg("stopped")
	return err
}

// nameLeft names what has not ended, once what is about to has had a moment.
func (d *daemon) nameLeft(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, loadsTimeout)
	defer cancel()
	abandon(d.log, d.box.Close(ctx))
	abandon(d.log, d.parts.Wait(ctx))
}

func (d *daemon) stopStations(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stationsTimeout)
	defer cancel()
	d.box.Stop(ctx)
}

func (d *daemon) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := d.publisher.Flush(ctx); err != nil {
		d.log.Warn().Err(err).Msg("some verdicts were not acknowledged: they stay in the outbox")
	}
}
