package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"faird/config"
	"faird/store"
)

func historyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "history",
		Short: "Checks the history of verdicts",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(historyVerifyCommand())
	return c
}

type verifyOptions struct {
	config, store, noted string
	json                 bool
}

func historyVerifyCommand() *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:   "verify",
		Short: "Checks the hash chain of the history: finds verdicts changed or removed",
		Long: `Follows the hash chain through the stored verdicts and names those that are not
as they were written. It reads only, beside a running daemon too. The exit code
is 1 where anything is wrong.

Note the mark that it prints away from the box and give it back with --noted
later: that shows a chain rewritten as a whole, too.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runVerify(c.Context(), c.OutOrStdout(), o) },
	}
	addConfigFlag(c, &o.config)
	f := c.Flags()
	f.StringVar(&o.store, "store", "", "folder of the database, in place of the config's store.path: no config is read")
	f.StringVar(&o.noted, "noted", "", "mark (key:hash) that was printed earlier and must still hold")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	return c
}

func runVerify(ctx context.Context, out io.Writer, o verifyOptions) error {
	opts := store.VerifyOptions{}
	if o.noted != "" {
		opts.Noted = new(store.Mark)
		if err := opts.Noted.UnmarshalText([]byte(o.noted)); err != nil {
			return usageError{fmt.Errorf("--noted: %w", err)}
		}
	}
	where, err := o.folder()
	if err != nil {
		return err
	}
	var end func()
	opts.Progress, end = newProgress("following the chain")
	r, err := store.Verify(ctx, where, opts)
	end()
	if err != nil {
		return err
	}
	if err := printReport(out, o.json, r); err != nil {
		return err
	}
	if !r.OK() {
		return fmt.Errorf("the history is not as it was written: %s%s", r.Problems[0], more(r.Bad))
	}
	return nil
}

// folder asks the config no more than where the database is: a model file that
// is gone is no reason not to look at the past.
func (o verifyOptions) folder() (config.Store, error) {
	if o.store != "" {
		return config.Store{Path: o.store}, nil
	}
	path := o.config
	if path == "" {
		found, err := config.Find()
		if err != nil {
			return config.Store{}, fmt.Errorf("%w, or the database's folder with --store", err)
		}
		path = found
	}
	c, err := config.Load(path, os.Environ())
	if err != nil {
		return config.Store{}, err
	}
	return c.Store, nil
}

func more(bad int64) string {
	if bad < 2 {
		return ""
	}
	return fmt.Sprintf(", and %d more", bad-1)
}

func printReport(out io.Writer, asJSON bool, r store.Report) error {
	if asJSON {
		j := json.NewEncoder(out)
		j.SetIndent("", " ")
		return j.Encode(struct {
			OK bool `json:"ok"`
			store.Report
		}{r.OK(), r})
	}
	p := &printer{out: out}
	p.line("%d verdicts, rows %d to %d", r.Rows, r.First, r.Last)
	if r.Pruned > 0 {
		p.line("%d older ones were given up to keep store.max_bytes", r.Pruned)
	}
	for _, problem := range r.Problems {
		p.line("%s", problem)
	}
	if n := r.Bad - int64(len(r.Problems)); n > 0 {
		p.line("and %d more", n)
	}
	if r.NotedGone {
		p.line("the row noted is no longer there: it cannot be compared")
	}
	if r.OK() {
		mark, err := r.Head.MarshalText()
		if err != nil {
			return err
		}
		p.line("whole: every verdict is as it was written\nmark  %s", mark)
	}
	return p.err
}
