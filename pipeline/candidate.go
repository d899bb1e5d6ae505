package pipeline

import (
	"context"

	"faird/pipeline/tasks"
)

// candidate is another model for a station, loaded and ready to judge.
type candidate struct {
	settings settings
	swap     *swap // nil once it was installed
}

// load makes the inspector that a station with these settings would have with the
// model at path. It returns when ctx ends, or when the box is stopped, though the
// model may still be loading then.
func (b *Box) load(ctx context.Context, base *settings, path string) (*candidate, error) {
	name := "station " + base.conf.Name + ": loading model " + path
	return tasks.Await(ctx, b.tasks, name, func(ctx context.Context) (*candidate, error) {
		c := &candidate{settings: *base}
		c.settings.conf.Model, c.settings.promotion = path, nil
		from := b.models.files()
		spec, err := specFor(ctx, from, c.settings.conf)
		if err == nil {
			err = spec.missing
		}
		if err != nil {
			return nil, err
		}
		c.settings.spec = spec
		c.swap, err = b.models.makeSwap(ctx, from, c.settings.conf, spec.configured)
		return c, err
	}, (*candidate).discard)
}

// install puts the model in force; the station's lock is held.
func (c *candidate) install(r *running) {
	r.settings.Store(&c.settings)
	r.override.Store(nil)
	r.Station.install(*c.swap)
	c.swap = nil
}

func (c *candidate) discard() {
	if c.swap != nil {
		c.swap.close()
	}
}
