package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/pipeline/tasks"
)

func runCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "run",
		Short: "Runs the daemon",
		Long: "Runs the daemon until SIGTERM or Ctrl-C. SIGHUP, or a change of the config file, puts the new config in force;\n" +
			"one with a mistake changes nothing.",
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			hangup := make(chan os.Signal, 1) // holds a SIGHUP that comes before it can be obeyed
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			parts := tasks.NewGroup()
			return inTime(c.Context(), parts, func(ctx context.Context) error { return runFrom(ctx, path, hangup, parts) })
		},
	}
	addConfigFlag(c, &path)
	return c
}

// runFrom runs the daemon with the config at path.
func runFrom(ctx context.Context, path string, hangup <-chan os.Signal, parts *tasks.Group) error {
	end := parts.Begin("reading the config")
	cfg, err := loadConfig(path)
	end()
	if err != nil {
		return err
	}
	return runDaemon(ctx, cfg, watch(cfg, hangup), hooks{parts: parts})
}

// watch brings the config anew when its file, or a file that it names, changes,
// or SIGHUP comes.
func watch(cfg *config.Config, hangup <-chan os.Signal) reloader {
	return func(ctx context.Context, apply func(*config.Config)) error {
		w := config.NewWatcher(cfg, newLog(cfg.Log), apply)
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return w.Run(ctx) })
		g.Go(func() error {
			for {
				select {
				case <-hangup:
					w.Reload()
				case <-ctx.Done():
					return nil
				}
			}
		})
		return g.Wait()
	}
}
