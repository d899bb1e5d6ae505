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
	"faird/model/trust"
	"faird/pipeline"
	"faird/pipeline/tasks"
	"faird/publish"
	"faird/store"
	"faird/systemd"
	"faird/verdict"
)

// How long the daemon takes for things at most.
const (
	loadTimeout    = 30 * time.Minute // for models to load, a TensorRT engine build included
	brokerPatience = 2 * time.Second  // for the first connection, before stations start
)

var errSlowModels = fmt.Errorf("the models have not loaded within %s", loadTimeout)

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
	parts     *tasks.Group // what runs beside the stations, for the log of a stop
}

// hooks let a command watch the daemon it runs.
type hooks struct {
	observe func(*verdict.Verdict, *camera.Frame)
	live    func(station string, sinceExposure time.Duration) // the broker has acknowledged a verdict that was no backlog
	ready   func(*daemon, context.CancelFunc)                 // the stations are ready or known broken; the function ends the daemon
	done    func(*daemon)                                     // everything is sent that could be; the daemon is about to close
	parts   *tasks.Group                                      // names what runs, for whoever waits for the daemon; nil: nobody asks
}

// runDaemon runs faird with c until ctx ends. reload, where not nil, brings new
// configs.
func runDaemon(ctx context.Context, c *config.Config, reload reloader, h hooks) error {
	defer zerolog.SetGlobalLevel(zerolog.GlobalLevel()) // the config's is for this run alone
	if h.parts == nil {
		h.parts = tasks.NewGroup()
	}
	d, err := newDaemon(c, h)
	if err != nil {
		return err
	}
	defer d.close()
	return d.run(ctx, reload, h)
}

// reloader calls apply with each new config until ctx ends.
type reloader func(ctx context.Context, apply func(*config.Config)) error

func newDaemon(c *config.Config, h hooks) (*daemon, error) {
	defer h.parts.Begin("opening the store and the broker's files")()
	log := newLog(c.Log)
	setLevel(c.Log)
	log.Info().Str("version", version).Str("config", c.Path()).Msg("starting")
	for _, w := range c.Warnings() {
		log.Warn().Str("config", c.Path()).Msg(w)
	}
	d := &daemon{log: log, notify: systemd.New(), config: c, parts: h.parts}
	d.watchdog = systemd.NewWatchdog(d.notify, log)
	keys, err := trustedKeys(c)
	if err != nil {
		return nil, err
	}
	if d.store, err = store.Open(c.Store, log); err != nil {
		return nil, err
	}
	if err := d.assemble(c, keys, h); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// assemble makes the parts that need the store.
func (d *daemon) assemble(c *config.Config, keys trust.Keys, h hooks) (err error) {
	if err := d.openPage(c); err != nil {
		return err
	}
	d.box = pipeline.NewBox(pipeline.Deps{
		Site: c.Site, Box: c.Box, Folder: c.Store.Path, Ledger: d.store, Watchdog: d.watchdog, Log: d.log, Clock: clockQuality, Observe: h.observe,
		Audience: d.page.gallery, Choices: d.store, Trust: keys,
	}, c.Infer, overrides{d.store})
	id := publish.Identity{Site: c.Site, Box: c.Box, Version: version}
	if d.publisher, err = publish.New(c.MQTT, id, d.store, d.box, d.log); err != nil {
		return err
	}
	if err := d.connect(c, id); err != nil {
		return err
	}
	if err := d.page.serve(d, id); err != nil {
		return err
	}
	d.publisher.OnLive(func(station string, sinceExposure time.Duration) {
		d.page.server.Published(station, sinceExposure)
		if h.live != nil {
			h.live(station, sinceExposure)
		}
	})
	return nil
}

func (d *daemon) close() {
	defer d.parts.Begin("closing the store")()
	if err := errors.Join(d.page.close(), d.store.Close()); err != nil {
		d.log.Error().Err(err).Msg("the store could not be closed")
	}
}

func (d *daemon) run(ctx context.Context, reload reloader, h hooks) error {
	// What outlives ctx: the publisher and the watchdog go on until the last
	// verdict of the stations is out.
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	g, rest := errgroup.WithContext(rest)
	d.page.run(rest, g, d) // first: people see that models are loading
	err := d.start(ctx, rest, g)
	started := err == nil
	if started {
		err = d.work(ctx, rest, reload, h)
	}
	if !started && ctx.Err() != nil {
		d.cutShort(ctx, err)
		err = nil
	}
	return errors.Join(err, d.stop(g, stopRest, func() {
		if started && h.done != nil {
			h.done(d)
		}
	}))
}

// part runs a part of the daemon under a name for the log.
func (d *daemon) part(g *errgroup.Group, name string, run func() error) {
	end := d.parts.Begin(name)
	g.Go(func() error {
		defer end()
		return run()
	})
}

// start loads the models and begins to judge.
func (d *daemon) start(ctx, rest context.Context, g *errgroup.Group) error {
	change, err := d.prepare(ctx, d.config)
	if err != nil {
		return err
	}
	defer change.Discard()
	d.publisher.OnTurn(d.watchdog.Loop("publisher", publisherDeadline).Turn) // now: models may have loaded for longer
	d.part(g, "publisher", func() error { return d.publisher.Run(rest) })
	d.edge.run(rest, g, d)
	d.part(g, "watchdog", func() error { return d.watchdog.Run(rest) })
	d.awaitBroker(ctx)
	if err := d.commit(ctx, change, d.config); err != nil {
		return err
	}
	d.part(g, "station states", func() error { return d.box.Run(rest) })
	d.part(g, "training", func() error { return d.page.trainer.Run(rest) })
	return nil
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
func (d *daemon) work(ctx, rest context.Context, reload reloader, h hooks) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(rest, cancel)()
	d.settle(ctx)
	if ctx.Err() == nil {
		d.notify.Ready(d.box.Summary())
	}
	if h.ready != nil && ctx.Err() == nil {
		h.ready(d, cancel)
	}
	if reload == nil {
		<-ctx.Done()
		return nil
	}
	return d.follow(ctx, reload)
}

// follow puts new configs in force until ctx ends. A reload that is under way then
// has a moment to end: it may hang on a file that nobody serves any more.
func (d *daemon) follow(ctx context.Context, reload reloader) error {
	followed := make(chan error, 1)
	d.parts.Go("following the config", func() {
		followed <- reload(ctx, func(c *config.Config) { d.reload(ctx, c) })
	})
	select {
	case err := <-followed:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-followed:
		return err
	case <-time.After(reloadTimeout):
		return nil
	}
}

// settle waits until every station is ready or known not to be. The cameras' own
// time-outs bound it.
func (d *daemon) settle(ctx context.Context) {
	defer d.askForTime(ctx, "waiting for cameras")()
	d.box.Settled(ctx)
}

// prepare loads what c names, asking systemd for time meanwhile.
func (d *daemon) prepare(ctx context.Context, c *config.Config) (*pipeline.Change, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loadTimeout, errSlowModels)
	defer cancel()
	defer d.askForTime(ctx, "loading models")()
	return d.box.Prepare(ctx, c)
}

// commit makes the stations be what c says, and tells the brokers before the
// first of them judges.
func (d *daemon) commit(ctx context.Context, change *pipeline.Change, c *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout) // a station that was changed meanwhile is prepared again
	defer cancel()
	return change.Commit(ctx, func() {
		setLevel(c.Log)
		d.publisher.SetStations(stationNames(c))
		d.publisher.RequireAcks(requireAck(c))
		d.edge.setStations(stationNames(c))
	})
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
	change, err := d.prepare(ctx, c)
	if err == nil {
		err = d.commit(ctx, change, c)
	}
	if err != nil && ctx.Err() != nil {
		d.cutShort(ctx, err)
		return
	}
	if err != nil {
		d.log.Error().Err(err).Msg("the new config is not taken; the old one stays in force")
		return
	}
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
