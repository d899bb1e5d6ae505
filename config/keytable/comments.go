package main

import (
	"regexp"
	"strings"
)

var (
	// hidden is a key that faird.yaml shows in a comment: no space after the #, or
	// those of an item.
	hidden = regexp.MustCompile(`(?m)^( *)#([a-z]| {2})`)
	key    = regexp.MustCompile(`^( *)(- )?([a-z_0-9]+):`)
	// column is a line that shows an example and what it is, apart.
	column = regexp.MustCompile(`\S {2,}\S`)
)

// comments gives what faird.yaml says of each key, by its name.
func comments(reference string) map[string]string {
	for hidden.MatchString(reference) {
		reference = hidden.ReplaceAllString(reference, "$1$2")
	}
	said := map[string]string{}
	var words []string
	var path trail
	for line := range strings.SplitSeq(reference, "\n") {
		text := strings.TrimSpace(line)
		switch {
		case text == "":
			words = nil
		case strings.HasPrefix(text, "#"):
			if text = strings.TrimSpace(strings.TrimPrefix(text, "#")); !column.MatchString(text) {
				words = append(words, text)
			}
		default:
			if name := path.step(line); name != "" {
				said[name] = strings.Join(words, " ")
			}
			words = nil
		}
	}
	return said
}

// trail is the way to a line: the keys that it is below, each with its indent.
type trail []struct {
	indent int
	name   string
}

// step goes on to a line and gives the name of its key, or "".
func (p *trail) step(line string) string {
	m := key.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	indent, item := len(m[1]), m[2] != ""
	if item {
		indent += len(m[2])
	}
	for len(*p) > 0 && (*p)[len(*p)-1].indent >= indent {
		*p = (*p)[:len(*p)-1]
	}
	name := m[3]
	if n := len(*p); n > 0 {
		if above := &(*p)[n-1]; item && !strings.HasSuffix(above.name, "[]") {
			above.name += "[]"
		}
		name = (*p)[n-1].name + "." + name
	}
	*p = append(*p, struct {
		indent int
		name   string
	}{indent, name})
	return name
}
