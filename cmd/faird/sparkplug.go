package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/publish"
	"faird/publish/sparkplug"
	"faird/verdict"
)

// edge is the box as an edge node of Sparkplug, where the config has it so.
type edge struct {
	node *sparkplug.Node // nil: it is off
	end  context.CancelFunc
	done chan struct{}
}

// outlets are both ways out of the box; what only the plain topics have is
// theirs alone.
type outlets struct {
	*publish.Publisher
	node *sparkplug.Node
}

// Verdict implements pipeline's outlet.
func (o outlets) Verdict(v *verdict.Verdict, key int64) {
	o.Publisher.Verdict(v, key)
	o.node.Verdict(v, key)
}

// SetStation implements pipeline's outlet.
func (o outlets) SetStation(name string, s publish.StationState) {
	o.Publisher.SetStation(name, s)
	o.node.SetStation(name, s)
}

// connect leads the box's verdicts and states out.
func (d *daemon) connect(c *config.Config, id publish.Identity) error {
	if !c.Sparkplug.Enabled {
		d.box.Connect(d.publisher)
		return nil
	}
	feed, err := d.store.Feed(context.Background()) // bounded by the store
	if err != nil {
		return err
	}
	if d.edge.node, err = sparkplug.New(c.Sparkplug, id, feed, d.publisher, d.log); err != nil {
		return err
	}
	d.box.Connect(outlets{d.publisher, d.edge.node})
	return nil
}

// run has the node run, watched, until stop, or until ctx ends.
func (e *edge) run(ctx context.Context, g *errgroup.Group, d *daemon) {
	if e.node == nil {
		return
	}
	e.node.OnTurn(d.watchdog.Loop("sparkplug", publisherDeadline).Turn)
	ctx, e.end = context.WithCancel(ctx)
	e.done = make(chan struct{})
	d.part(g, "sparkplug", func() error {
		defer close(e.done)
		return e.node.Run(ctx)
	})
}

// stop lets the node, where it runs, say its death while there is still a broker.
func (e *edge) stop(ctx context.Context) {
	if e.done == nil {
		return
	}
	e.end()
	select {
	case <-e.done:
	case <-ctx.Done():
	}
}

// setStations says which stations there are.
func (e *edge) setStations(names []string) {
	if e.node != nil {
		e.node.SetStations(names)
	}
}
