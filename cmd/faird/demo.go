package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"faird/camera/line"
	"faird/config"
	"faird/pipeline/tasks"
	"faird/web/account"
)

// demoPictures bounds the pictures that a demo keeps while it runs.
const demoPictures = 500_000_000

type demoOptions struct {
	length            time.Duration
	rate, defects     float64
	seed              uint64
	listen, page      string
	provider, library string
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Runs a whole system in one process: simulated line, model, broker, page",
		Long: "Runs a whole system in one process: a simulated line whose parts are now and then defective, the built-in model,\n" +
			"the built-in broker, the operator's page. Nothing is kept. With --for it stops by itself and fails if no verdict was published.",
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c.Context(), c.OutOrStdout(), o) },
	}
	f := c.Flags()
	f.DurationVar(&o.length, "for", 0, "stop after this time, say 30s (default: until Ctrl-C)")
	f.Float64Var(&o.rate, "rate", 2, "parts a second")
	f.Float64Var(&o.defects, "defects", 0.2, "share of defective parts")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the simulated line")
	f.StringVar(&o.listen, "listen", "127.0.0.1:1883", "address of the built-in broker; if it is taken, any free port")
	f.StringVar(&o.page, "page", "127.0.0.1:8080", "address of the page; if it is taken, any free port")
	addInferFlags(c, &o.provider, &o.library)
	return c
}

func runDemo(ctx context.Context, out io.Writer, o demoOptions) error {
	dir, err := os.MkdirTemp("", "faird-demo-")
	if err != nil {
		return fmt.Errorf("a folder for the demo's database: %w", err)
	}
	defer os.RemoveAll(dir)
	cfg, err := demoConfig(o, dir)
	if err != nil {
		return err
	}
	t := &tally{out: out, live: isTerminal(os.Stdout)}
	if t.password, err = demoUser(cfg.Web.Users); err != nil {
		return err
	}
	parts := tasks.NewGroup()
	h := hooks{parts: parts, observe: t.observe, done: t.finish, ready: func(d *daemon, stop context.CancelFunc) {
		t.explain(d)
		if o.length > 0 {
			time.AfterFunc(o.length, stop)
		}
	}}
	err = inTime(ctx, parts, func(ctx context.Context) error { return runDaemon(ctx, cfg, nil, h) })
	return errors.Join(err, t.err)
}

// demoConfig is the demo as a config that could stand in a file.
func demoConfig(o demoOptions, dir string) (*config.Config, error) {
	c := config.Default()
	c.Site, c.Box = "demo", "box1"
	c.Log.Level = "warn"
	c.Infer.Provider, c.Infer.Library = o.provider, o.library
	c.Infer.Threads = runtime.GOMAXPROCS(0) // there is one station: nothing to measure
	c.Store.Path = dir
	listen, err := freeAddress(o.listen)
	if err != nil {
		return nil, err
	}
	c.MQTT.Builtin.Listen = listen
	if c.Web.Listen, err = freeAddress(o.page); err != nil {
		return nil, err
	}
	c.Web.Users = filepath.Join(dir, "users.json")
	c.Archive.MaxBytes, c.Archive.Sample = demoPictures, 0.1
	s := config.DefaultStation()
	s.Name = "cap"
	s.Model = config.DemoModel
	s.ROI = &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()}
	s.Camera.URL = fmt.Sprintf("demo://?seed=%d&rate=%g&defects=%g", o.seed, o.rate, o.defects)
	s.Camera.OpenTimeout = time.Minute // a slow machine draws the line's parts for a while
	c.Stations = []config.Station{s}
	return &c, nil
}

// demoUser makes the user that may change things, with a password of the day.
func demoUser(path string) (password string, err error) {
	password = account.Random()[:10]
	return password, account.Open(path).Add("demo", account.Admin, password)
}

// freeAddress is addr, or the same host with a free port where addr is taken.
func freeAddress(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usageError{fmt.Errorf("address %s: %w; write it as host:port", addr, err)}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", fmt.Errorf("no free address at %s: %w", host, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
