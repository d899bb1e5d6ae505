// Command faird watches a production line: see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"faird/config/redact"
	"faird/pipeline/vetting"
)

// version and commit are set by the linker: see the Makefile.
var (
	version = "dev"
	commit  = "unknown"
)

// Exit codes: 0 success, 1 failure, 2 wrong usage.
const (
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a command line that cannot be carried out as it stands.
type usageError struct{ error }

func main() {
	vetting.BeChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "faird:", redact.Error(err))
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	if errors.As(err, &usageError{}) {
		return exitUsage
	}
	return exitFailure
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "faird",
		Short:         "Watches a production line: judges every part and tells the PLC over MQTT",
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; run faird --help for the list", args[0])}
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; run %s --help", err, c.CommandPath())}
	})
	c.CompletionOptions.HiddenDefaultCmd = true
	c.AddCommand(
		runCommand(), demoCommand(), configCommand(),
		collectCommand(), trainCommand(), calibrateCommand(), quantizeCommand(), evalCommand(), scoreCommand(), benchCommand(),
		replayCommand(), userCommand(), tokenCommand(),
		historyCommand(), verifyCommand(), doctorCommand(), versionCommand(), manCommand(),
	)
	return c
}

// exactly wraps cobra's argument check so that a wrong number is wrong usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usageError{fmt.Errorf("%w; run %s --help", err, c.CommandPath())}
		}
		return nil
	}
}
