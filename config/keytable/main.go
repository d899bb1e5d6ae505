// Command keytable writes the table of every config key into docs/config.md:
// names, kinds and defaults as the code has them, in the words of faird.yaml's
// comments. go generate ./config runs it; it never touches the rest of the page.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	begin = "<!-- made by go generate ./config: change faird.yaml's comments, not this -->\n"
	end   = "<!-- end -->\n"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "keytable: name the repository's folder")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "keytable:", err)
		os.Exit(1)
	}
}

// run renews the page in the repository at root.
func run(root string) error {
	page := filepath.Join(root, "docs", "config.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	made, err := renew(root, string(old))
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(made), 0o644)
}

// renew is the page with a table made anew.
func renew(root, page string) (string, error) {
	reference, err := os.ReadFile(filepath.Join(root, "faird.yaml"))
	if err != nil {
		return "", err
	}
	before, rest, found := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("docs/config.md: no table between %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	table, err := render(comments(string(reference)))
	if err != nil {
		return "", err
	}
	return before + begin + table + end + after, nil
}
