package faird_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link or picture; its first group is where it leads.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// anchor is a heading as GitHub names it.
func anchor(heading string) string {
	heading = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(strings.TrimSpace(heading), " ", "-")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("docs/*.md")
	if err != nil || len(list) < 10 {
		t.Fatalf("%d pages, %v", len(list), err)
	}
	return list
}

func TestEveryPageIsListed(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, page := range pages(t) {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(index, "["+name+"]("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
	}
}

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	for _, page := range append(pages(t), "README.md", "CHANGELOG.md") {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			path, place, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, ":") {
				continue // the web
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
			} else if place != "" && strings.HasSuffix(target, ".md") && !hasHeading(read(t, target), place) {
				t.Errorf("%s: %s has no heading %s", page, target, place)
			}
		}
	}
}

func hasHeading(text, place string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") && anchor(title) == place {
			return true
		}
	}
	return false
}

// TestOperationsQuoteTheProgram holds that the messages which the page looks up
// are logged so, and that no reason of a no_read is left out.
func TestOperationsQuoteTheProgram(t *testing.T) {
	page := read(t, "docs/operations.md")
	var code strings.Builder
	err := filepath.WalkDir(".", func(path string, e os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			code.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quotes := regexp.MustCompile(`[^*]\*([^*\n]+)\*[^*]`).FindAllStringSubmatch(page, -1)
	if len(quotes) < 20 {
		t.Fatalf("%d messages are quoted", len(quotes))
	}
	for _, m := range quotes {
		if said := m[1]; !strings.Contains(code.String(), `"`+said) && said != "italics" && said != "Connection lost" {
			t.Errorf("nothing logs %q", said)
		}
	}
	reasons := regexp.MustCompile(`Reason = "(\w+)"`).FindAllStringSubmatch(read(t, "verdict/verdict.go"), -1)
	if len(reasons) < 10 {
		t.Fatalf("%d reasons", len(reasons))
	}
	for _, m := range reasons {
		if !strings.Contains(page, "| `"+m[1]+"` |") {
			t.Errorf("no row for the reason %s", m[1])
		}
	}
}
