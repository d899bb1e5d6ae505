package main

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/pipeline/gallery"
	"faird/publish"
	"faird/store"
	"faird/web"
	"faird/web/training"
)

// page is the operator's page with what it shows: the pictures on their way
// and those that are kept.
type page struct {
	archive *store.Archive // nil: no pictures are kept
	feed    *web.Feed
	gallery *gallery.Gallery
	server  *web.Server
	trainer *training.Manager
	cutters cutters // of the config in force
}

// openPage makes what the stations show their verdicts to.
func (d *daemon) openPage(c *config.Config) (err error) {
	d.page.feed = web.NewFeed()
	d.page.cutters.config.Store(c)
	if c.Archive.MaxBytes == 0 {
		d.page.gallery = gallery.New(c.Archive, nil, d.page.feed.Verdict, d.log)
		return nil
	}
	if d.page.archive, err = d.store.Archive(c.Archive); err != nil {
		return err
	}
	d.page.gallery = gallery.New(c.Archive, d.page.archive, d.page.feed.Verdict, d.log)
	return nil
}

// serve makes the page itself, once there are stations and a publisher to show.
func (p *page) serve(d *daemon, id publish.Identity) (err error) {
	if p.trainer, err = newTrainer(d, p); err != nil {
		return err
	}
	p.server, err = web.New(web.Deps{
		Identity: id, Config: d.config.Web, Stations: d.box, Broker: d.publisher, Store: d.store, Archive: p.archive,
		Pictures: p.gallery, Feed: p.feed, Trials: d.box, Log: d.log,
		Cutter:   func() web.Cutter { return p.cutters.Cutter() },
		Training: p.trainer,
	})
	return err
}

// run works the page until ctx ends, from before there are stations. What fails
// in it is logged: the line does not stop for its page.
func (p *page) run(ctx context.Context, g *errgroup.Group, d *daemon) {
	d.part(g, "pictures for the page", func() error { return p.gallery.Run(ctx) })
	d.part(g, "page", func() error {
		if err := p.server.Run(ctx); err != nil {
			d.log.Error().Err(err).Msg("the page is not served any more")
		}
		return nil
	})
	if p.archive == nil {
		return
	}
	d.part(g, "looking through the archive", func() error {
		if err := p.archive.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
			d.log.Error().Err(err).Msg("the archive of pictures could not be looked through")
		}
		return nil
	})
}

// url waits a moment for the page to have its address.
func (p *page) url() string {
	select {
	case <-p.server.Ready():
	case <-time.After(time.Second):
	}
	return p.server.URL()
}

func (p *page) close() error {
	if p.archive == nil {
		return nil
	}
	return p.archive.Close()
}
