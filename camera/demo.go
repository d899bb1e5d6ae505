package camera

import (
	"context"
	"errors"
	"net/url"
	"time"

	"faird/camera/line"
	"faird/config"
	"faird/verdict"
)

// parseDemo understands demo://?seed=1&rate=4&defects=0.2&size=640&gap=0.
func parseDemo(u *url.URL, q *query) (plan, error) {
	if u.Host != "" || u.Path != "" {
		return plan{}, errors.New("the simulated line has no host or path: write demo://?seed=1&rate=4")
	}
	options := line.Options{
		Seed:    q.seed("seed", 1),
		Defects: q.number("defects", 0.2, 0, 1),
		Size:    q.whole("size", 640, 128, 4096),
		Gap:     q.whole("gap", 0, 0, 10_000),
	}
	pause := interval(q.number("rate", 4, 0.01, 1000))
	return plan{
		pause: pause,
		source: func(_ config.Camera, skip uint64) source {
			return &demo{options: options, n: skip, pacer: pacer{interval: pause}}
		},
	}, nil
}

// demo is the simulated line, paced.
type demo struct {
	options line.Options
	pacer   pacer
	n       uint64
	line    *line.Line
}

func (d *demo) open(context.Context) error {
	d.line = line.New(d.options)
	return nil
}

func (d *demo) read(ctx context.Context, f *Frame) error {
	if !d.pacer.wait(ctx) {
		return ctx.Err()
	}
	f.Captured, f.Exposure = time.Now(), verdict.Measured
	f.truth = d.line.Render(d.n, &f.mat)
	f.Truth = &f.truth
	d.n++
	return nil
}

func (d *demo) close() {
	if d.line != nil {
		_ = d.line.Close()
	}
}
