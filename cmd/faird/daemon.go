package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"faird/camera"
	"faird/config"
	"faird/pipeline"
	"faird/publish"
	"faird/store"
	"faird/systemd"
	"faird/verdict"
)

// How long the daemon takes for things at most.
const (
	loadTimeout    = 30 * time.Minute // for models to load, a TensorRT engine build included
	brokerPatience = 2 * time.Second  // for the first connection, before stations start
	flushTimeout   = time.Second      // for live verdicts to be acknowledged at the end
)

// publisherDeadline is for a turn of the publisher: beyond its longest wait for
// a broker. A variable for the tests' sake.
var publisherDeadline = time.Minute

// daemon is the parts of a running faird, created in one place and closed in
// the reverse order.
type daemon struct {
	log       zerolog.Logger
	notify    *systemd.Notifier
	watchdog  *systemd.Watchdog
	store     *store.Store
	publisher *publish.Publisher
	edge      edge
	box       *pipeline.Box
	page      page
	config    *config.Config
}

// hooks let a command watch the daemon it runs.
type hooks struct {
	observe func(*verdict.Verdict, *camera.Frame)
	live    func(station string, sinceExposure time.Duration) // the broker has acknowledged a verdict that was no backlog
	ready   func(*daemon, context.CancelFunc)                 // the stations are ready or known broken; the function ends the daemon
	done    func(*daemon)                                     // everything is sent that could be; the daemon is about to close
}

// runDaemon runs faird with c until ctx ends. reload, where not nil, brings new
// configs.
func runDaemon(ctx context.Context, c *config.Config, reload func(context.Context, func(*config.Config)) error, h hooks) error {
	defer zerolog.SetGlobalLevel(zerolog.GlobalLevel()) // the config's is for this run alone
	d, err := newDaemon(c, h)
	if err != nil {
		return err
	}
	defer d.close()
	return d.run(ctx, reload, h)
}

func newDaemon(c *config.Config, h hooks) (*daemon, error) {
	log := newLog(c.Log)
	setLevel(c.Log)
	for _, w := range c.Warnings() {
		log.Warn().Str("config", c.Path()).Msg(w)
	}
	d := &daemon{log: log, notify: systemd.New(), config: c}
	d.watchdog = systemd.NewWatchdog(d.notify, log)
	keys, err := trustedKeys(c)
	if err != nil {
		return nil, err
	}
	if d.store, err = store.Open(c.Store, log); err != nil {
		return nil, err
	}
	if err := d.openPage(c); err != nil {
		d.close()
		return nil, err
	}
	d.box = pipeline.NewBox(pipeline.Deps{
		Site: c.Site, Box: c.Box, Folder: c.Store.Path, Ledger: d.store, Watchdog: d.watchdog, Log: log, Clock: clockQuality, Observe: h.observe,
		Audience: d.page.gallery, Choices: d.store, Trust: keys,
	}, c.Infer, overrides{d.store})
	id := publish.Identity{Site: c.Site, Box: c.Box, Version: version}
	if d.publisher, err = publish.New(c.MQTT, id, d.store, d.box, log); err != nil {
		d.close()
		return nil, err
	}
	if err := d.connect(c, id); err != nil {
		d.close()
		return nil, err
	}
	if err := d.page.serve(d, id); err != nil {
		d.close()
		return nil, err
	}
	d.publisher.OnLive(func(station string, sinceExposure time.Duration) {
		d.page.server.Published(station, sinceExposure)
		if h.live != nil {
			h.live(station, sinceExposure)
		}
	})
	return d, nil
}

func (d *daemon) close() {
	if err := errors.Join(d.page.close(), d.store.Close()); err != nil {
		d.log.Error().Err(err).Msg("the store could not be closed")
	}
}

func (d *daemon) run(ctx context.Context, reload func(context.Context, func(*config.Config)) error, h hooks) error {
	// What outlives ctx: the publisher and the watchdog go on until the last
	// verdict of the stations is out.
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	g, rest := errgroup.WithContext(rest)
	d.page.run(rest, g, d) // first: people see that models are loading
	start, err := d.prepare(ctx, d.config)
	if err != nil {
		stopRest()
		return errors.Join(err, g.Wait())
	}
	d.publisher.OnTurn(d.watchdog.Loop("publisher", publisherDeadline).Turn) // now: models may have loaded for longer
	g.Go(func() error { return d.publisher.Run(rest) })
	d.edge.run(rest, g, d.watchdog)
	g.Go(func() error { return d.watchdog.Run(rest) })
	d.awaitBroker(ctx)
	start()
	g.Go(func() error { return d.box.Run(rest) })
	g.Go(func() error { return d.page.trainer.Run(rest) })

	err = d.work(ctx, rest, reload, h)
	d.notify.Stopping()
	d.box.Stop()
	d.flush()
	d.edge.stop()
	if h.done != nil {
		h.done(d)
	}
	stopRest()
	return errors.Join(err, g.Wait())
}

// awaitBroker gives the broker a moment, so that the first verdicts are not
// backlog.
func (d *daemon) awaitBroker(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, brokerPatience)
	defer cancel()
	for !d.publisher.Status().Connected && ctx.Err() == nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// work waits for the stations and follows the config until ctx ends or a part
// of the daemon fails.
func (d *daemon) work(ctx, rest context.Context, reload func(context.Context, func(*config.Config)) error, h hooks) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(rest, cancel)()
	d.settle(ctx)
	d.notify.Ready(d.box.Summary())
	if h.ready != nil && ctx.Err() == nil {
		h.ready(d, cancel)
	}
	if reload == nil {
		<-ctx.Done()
		return nil
	}
	return reload(ctx, func(c *config.Config) { d.reload(ctx, c) })
}

// settle waits until every station is ready or known not to be. The cameras' own
// time-outs bound it.
func (d *daemon) settle(ctx context.Context) {
	defer d.askForTime(ctx, "waiting for cameras")()
	d.box.Settled(ctx)
}

// prepare loads what c names, asking systemd for time meanwhile; start makes the
// stations be what c says.
func (d *daemon) prepare(ctx context.Context, c *config.Config) (start func(), _ error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	defer d.askForTime(ctx, "loading models")()
	carryOut, err := d.box.Prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	return func() {
		setLevel(c.Log)
		d.publisher.SetStations(stationNames(c))
		d.publisher.RequireAcks(requireAck(c))
		d.edge.setStations(stationNames(c))
		carryOut()
	}, nil
}

func stationNames(c *config.Config) []string {
	names := make([]string, len(c.Stations))
	for i, s := range c.Stations {
		names[i] = s.Name
	}
	return names
}

// requireAck are the stations whose verdicts a subscriber must have.
func requireAck(c *config.Config) []string {
	var names []string
	for _, s := range c.Stations {
		if s.Ack == config.AckRequired {
			names = append(names, s.Name)
		}
	}
	return names
}

// askForTime extends systemd's start time-out until the returned function is called.
func (d *daemon) askForTime(ctx context.Context, status string) (stop func()) {
	const step = 5 * time.Second
	d.notify.Status(status)
	d.notify.Extend(3 * step)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(step); ; {
			select {
			case <-tick.C:
				d.notify.Extend(3 * step)
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// reload puts a new config in force, or says why it does not.
func (d *daemon) reload(ctx context.Context, c *config.Config) {
	d.notify.Reloading()
	defer func() { d.notify.Ready(d.box.Summary()) }()
	changes := config.Diff(d.config, c)
	start, err := d.prepare(ctx, c)
	if err != nil {
		d.log.Error().Err(err).Msg("the new config is not taken; the old one stays in force")
		return
	}
	start()
	d.config = c
	d.page.cutters.config.Store(c)
	e := d.log.Info().Str("config", c.Hash()).Strs("added", changes.Added).Strs("removed", changes.Removed)
	for _, s := range changes.Changed {
		e = e.Stringer(s.Name, s.Aspects)
	}
	e.Msg("the new config is in force")
	if len(changes.Restart) > 0 {
		d.log.Warn().Strs("keys", changes.Restart).Msg("these keys take effect at the next start only")
	}
}

func (d *daemon) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := d.publisher.Flush(ctx); err != nil {
		d.log.Warn().Err(err).Msg("some verdicts were not acknowledged: they stay in the outbox")
	}
}

// overrides lets the box read and write the operator's thresholds in the store.
type overrides struct{ *store.Store }

func (o overrides) Override(ctx context.Context, station string) (*pipeline.Thresholds, error) {
	t, err := o.Store.Override(ctx, station)
	if err != nil || t == nil {
		return nil, err
	}
	return &pipeline.Thresholds{Threshold: t.Threshold, Review: t.Review, Origin: "override"}, nil
}

func (o overrides) SetOverride(ctx context.Context, station string, t pipeline.Thresholds, who string) error {
	if err := o.Store.SetOverride(ctx, station, store.Override{Threshold: t.Threshold, Review: t.Review, Who: who, At: time.Now()}); err != nil {
		return fmt.Errorf("the threshold is not kept: %w", err)
	}
	return nil
}
