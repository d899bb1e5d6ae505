package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"faird/web/account"
)

func userCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Adds, changes and removes people who may log in to the page",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	path := addAccountsFlag(c)
	c.AddCommand(userAddCommand(path), userPasswordCommand(path), userRemoveCommand(path), accountListCommand(path))
	return c
}

// addAccountsFlag names the config whose web.users is meant.
func addAccountsFlag(c *cobra.Command) *string {
	path := new(string)
	c.PersistentFlags().StringVar(path, "config", "", "config file (default: ./faird.yaml, else /etc/faird/faird.yaml)")
	return path
}

func accounts(config string) (*account.File, error) {
	cfg, err := loadConfig(config)
	if err != nil {
		return nil, err
	}
	return account.Open(cfg.Web.Users), nil
}

// accountCommand is a command that does one thing with one user or token.
func accountCommand(config *string, use, short string, do func(c *cobra.Command, f *account.File, name string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			f, err := accounts(*config)
			if err != nil {
				return err
			}
			return do(c, f, given[0])
		},
	}
}

func userAddCommand(config *string) *cobra.Command {
	role := "operator"
	c := accountCommand(config, "add", "Adds a user; the password is asked for, or read from standard input",
		func(c *cobra.Command, f *account.File, name string) error {
			r, err := account.ParseRole(role)
			if err != nil {
				return usageError{err}
			}
			password, err := askPassword(c, name)
			if err != nil {
				return err
			}
			return f.Add(name, r, password)
		})
	c.Flags().StringVar(&role, "role", role, "viewer (looks), operator (marks, moves thresholds, pauses), or admin (reads the audit log too)")
	return c
}

func userPasswordCommand(config *string) *cobra.Command {
	return accountCommand(config, "passwd", "Gives a user another password; who is logged in under the old one is logged out",
		func(c *cobra.Command, f *account.File, name string) error {
			password, err := askPassword(c, name)
			if err != nil {
				return err
			}
			return f.SetPassword(name, password)
		})
}

func userRemoveCommand(config *string) *cobra.Command {
	return accountCommand(config, "remove", "Takes a user out and logs them out",
		func(_ *cobra.Command, f *account.File, name string) error { return f.Remove(name) })
}

func accountListCommand(config *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Lists users and tokens",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := accounts(*config)
			if err != nil {
				return err
			}
			users, tokens, err := f.List()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, u := range users {
				fmt.Fprintf(w, "user\t%s\t%s\tsince %s\n", u.Name, u.Role, u.Created.Format(time.DateOnly))
			}
			for _, t := range tokens {
				fmt.Fprintf(w, "token\t%s\t%s\tsince %s%s\n", t.Name, t.Role, t.Created.Format(time.DateOnly), tokenLimits(t))
			}
			return w.Flush()
		},
	}
}

func tokenLimits(t account.Token) (text string) {
	if t.From != "" {
		text += ", from " + t.From
	}
	if t.Expires != nil {
		text += ", until " + t.Expires.Format(time.DateTime)
	}
	return text
}

// askPassword asks twice on a terminal, else takes the first line of standard input.
func askPassword(c *cobra.Command, name string) (string, error) {
	in, isFile := c.InOrStdin().(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("no password: write it to standard input, or run this on a terminal")
		}
		return line, nil
	}
	var given [2]string
	for i, prompt := range []string{"password for " + name + ": ", "again: "} {
		fmt.Fprint(c.ErrOrStderr(), prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		given[i] = string(text)
	}
	if given[0] != given[1] {
		return "", errors.New("the two passwords differ: try again")
	}
	return given[0], nil
}
