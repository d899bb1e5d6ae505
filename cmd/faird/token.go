package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"faird/web/account"
)

func tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Adds and removes machines that may use the HTTP API",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	path := addAccountsFlag(c)
	c.AddCommand(tokenAddCommand(path), tokenRemoveCommand(path), accountListCommand(path))
	return c
}

func tokenAddCommand(config *string) *cobra.Command {
	role, from := "viewer", ""
	var life time.Duration
	c := accountCommand(config, "add", "Makes a token and prints it, this once",
		func(c *cobra.Command, f *account.File, name string) error {
			r, err := account.ParseRole(role)
			if err != nil {
				return usageError{err}
			}
			secret, err := f.AddToken(name, r, from, life)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), secret)
			return nil
		})
	c.Flags().StringVar(&role, "role", role, "viewer, operator or admin")
	c.Flags().StringVar(&from, "from", from, "address, or prefix such as 10.1.2.0/24, that it may come from (default: any)")
	c.Flags().DurationVar(&life, "for", 0, "how long it is good, such as 720h (default: until it is removed)")
	return c
}

func tokenRemoveCommand(config *string) *cobra.Command {
	return accountCommand(config, "remove", "Takes a token out",
		func(_ *cobra.Command, f *account.File, name string) error { return f.RemoveToken(name) })
}
