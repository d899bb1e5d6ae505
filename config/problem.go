package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"faird/config/redact"
)

// Origin is where a value came from: a line of the file or a variable of the
// environment. The zero Origin is a default.
type Origin struct {
	File string
	Line int // from 1
	Env  string
}

// String is file:line or the variable's name.
func (o Origin) String() string {
	switch {
	case o.Env != "":
		return o.Env
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return o.File
}

// Problem is one thing wrong with a config.
type Problem struct {
	Origin
	Key  string // path, such as stations.cap.trigger.mode; may be empty
	Text string // what is wrong
	Fix  string // what to do about it
}

// String is the problem in one line: where, key, what is wrong, the fix.
// Secrets in it are masked.
func (p Problem) String() string {
	var b strings.Builder
	for _, part := range []string{p.Origin.String(), p.Key} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(p.Text)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return redact.Text(strings.Map(printable, b.String()))
}

// printable keeps a problem in its one line, whatever the file holds.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Problems is everything wrong with a config, in the order of its lines.
type Problems []Problem

// Error is one line for each problem.
func (p Problems) Error() string { return strings.Join(p.Lines(), "\n") }

// Lines is one line for each problem, for logs.
func (p Problems) Lines() []string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return lines
}

// err sorts the problems; nil where there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Env, b.Env))
	})
	return p
}
