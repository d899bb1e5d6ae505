package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"faird/config"
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
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			return runDaemon(c.Context(), cfg, watch(cfg), hooks{})
		},
	}
	addConfigFlag(c, &path)
	return c
}

// watch brings the config anew when its file, or a file that it names, changes,
// or SIGHUP comes.
func watch(cfg *config.Config) func(context.Context, func(*config.Config)) error {
	return func(ctx context.Context, apply func(*config.Config)) error {
		w := config.NewWatcher(cfg, newLog(cfg.Log), apply)
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return w.Run(ctx) })
		g.Go(func() error {
			for {
				select {
				case <-hup:
					w.Reload()
				case <-ctx.Done():
					return nil
				}
			}
		})
		return g.Wait()
	}
}
