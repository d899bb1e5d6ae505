package camera

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// inspector tells whether GStreamer has an element. It comes with
// gstreamer1.0-tools; without it pipelines are not checked beforehand.
const inspector = "gst-inspect-1.0"

// described remembers the properties of each element, so that bringing a
// camera back starts no programs.
var described sync.Map // element name to map[string]bool

// checkElements names an element or property that GStreamer does not have.
// OpenCV plays what is left of such a pipeline and waits for ever for its first
// picture.
func checkElements(ctx context.Context, pipeline string) error {
	for _, e := range elements(pipeline) {
		properties, err := describe(ctx, e.name)
		if err != nil {
			return err
		}
		for _, p := range e.properties {
			if properties != nil && !properties[p] {
				return fmt.Errorf("gstreamer's element %s has no property %q: see gst-inspect-1.0 %s", e.name, p, e.name)
			}
		}
	}
	return nil
}

// describe returns the properties of an element, or nil where nobody can tell.
func describe(ctx context.Context, name string) (map[string]bool, error) {
	if known, ok := described.Load(name); ok {
		return known.(map[string]bool), nil
	}
	out, err := exec.CommandContext(ctx, inspector, name).Output()
	var missing *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &missing):
		return nil, fmt.Errorf("gstreamer has no element %q: check the spelling, or install the plug-in that brings it", name)
	case err != nil: // no inspector: let OpenCV try
		return nil, nil
	}
	properties := map[string]bool{}
	for _, m := range propertyLine.FindAllSubmatch(out, -1) {
		properties[string(m[1])] = true
	}
	described.Store(name, properties)
	return properties, nil
}

// propertyLine is how gst-inspect-1.0 lists a property.
var propertyLine = regexp.MustCompile(`(?m)^  ([a-zA-Z][\w-]*) +: `)

// element is one element of a pipeline with the properties set on it.
type element struct {
	name       string
	properties []string
}

// elements finds the elements of a pipeline: a word that is neither a setting,
// nor caps, nor a reference to a pad, and the settings that follow it.
func elements(pipeline string) (list []element) {
	first, open := true, false
	for _, w := range words(pipeline) {
		key, _, setting := strings.Cut(w, "=")
		switch {
		case w == "!":
			first, open = true, false
		case first && !strings.ContainsAny(w, "=/.\"'(),:"):
			list = append(list, element{name: w})
			first, open = false, true
		case open && setting && !strings.ContainsAny(key, ":/,"):
			e := &list[len(list)-1]
			e.properties = append(e.properties, key)
		default:
			first = false
		}
	}
	return list
}

// words splits a pipeline at white space and at links, but not within quotes.
func words(pipeline string) (list []string) {
	var word strings.Builder
	quote := rune(0)
	flush := func() {
		if word.Len() > 0 {
			list = append(list, word.String())
			word.Reset()
		}
	}
	for _, r := range pipeline {
		switch {
		case quote != 0:
			word.WriteRune(r)
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
			word.WriteRune(r)
		case r == '!':
			flush()
			list = append(list, "!")
		case r == ' ' || r == '\t' || r == '\n':
			flush()
		default:
			word.WriteRune(r)
		}
	}
	flush()
	return list
}
