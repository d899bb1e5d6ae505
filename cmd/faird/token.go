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
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Makes a token and prints it, this once",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			r, err := account.ParseRole(role)
			if err != nil {
				return usageError{err}
			}
			f, err := accounts(*config)
			if err != nil {
				return err
			}
			secret, err := f.AddToken(given[0], r, from, life)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), secret)
			return nil
		},
	}
	c.Flags().StringVar(&role, "role", role, "viewer, operator or admin")
	c.Flags().StringVar(&from, "from", from, "address, or prefix such as 10.1.2.0/24, that it may come from (default: any)")
	c.Flags().DurationVar(&life, "for", 0, "how long it is good, such as 720h (default: until it is removed)")
	return c
}

func tokenRemoveCommand(config *string) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Takes a token out",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			f, err := accounts(*config)
			if err != nil {
				return err
			}
			return f.RemoveToken(given[0])
		},
	}
}
