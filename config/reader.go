package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the work that aliases and merge keys can ask for.
const maxNodes = 100_000

// reader turns YAML into nested maps of typed values, and remembers where
// each came from. What it cannot read it reports and leaves out.
type reader struct {
	src      *source
	problems Problems
	nodes    int
}

func (r *reader) bad(n *yaml.Node, key, text, fix string) {
	o := Origin{File: r.src.shown, Line: n.Line}
	r.problems = append(r.problems, Problem{Origin: o, Key: key, Text: text, Fix: fix})
}

// section reads a mapping as the struct t.
func (r *reader) section(n *yaml.Node, t reflect.Type, key string) map[string]any {
	m := map[string]any{}
	if n = follow(n); isNull(n) {
		return m
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, key, "not a section", "write keys and values under it: "+strings.Join(keysOf(t), ", "))
		return m
	}
	for _, p := range r.pairs(n, key, 0) {
		f, known := find(t, p.key.Value)
		if !known {
			r.unknown(p.key, t, key)
			continue
		}
		at := join(key, f.key)
		if n := follow(p.value); !isNull(n) {
			r.src.origins[at] = Origin{File: r.src.shown, Line: p.key.Line}
			if v, ok := r.value(n, f.typ, at); ok {
				m[f.key] = v
			}
		}
	}
	return m
}

func (r *reader) value(n *yaml.Node, t reflect.Type, key string) (any, bool) {
	switch {
	case isSection(t):
		return r.section(n, t, key), true
	case isList(t):
		return r.list(n, t.Elem(), key), true
	case n.Kind != yaml.ScalarNode:
		r.bad(n, key, "a list or section, but one value is wanted", "write "+example(t))
		return nil, false
	}
	v, bad := scalar(n, t)
	if bad != nil {
		r.bad(n, key, bad.text, bad.fix)
	}
	return v, bad == nil
}

// list reads a sequence of sections. Items are known by their name where they
// have one of their own, so that messages and variables can say it.
func (r *reader) list(n *yaml.Node, t reflect.Type, key string) []any {
	items := []any{}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, key, "not a list", "begin each item with a dash: - name: …")
		return items
	}
	taken := map[string]bool{}
	for i, item := range n.Content {
		item = follow(item)
		at := fmt.Sprintf("%s[%d]", key, i)
		if name := r.nameOf(item); name != "" && !taken[name] {
			taken[name] = true
			at = join(key, name)
		}
		r.src.items[key] = append(r.src.items[key], at)
		r.src.origins[at] = Origin{File: r.src.shown, Line: item.Line}
		items = append(items, r.section(item, t, at))
	}
	return items
}

func (r *reader) nameOf(item *yaml.Node) string {
	if item.Kind != yaml.MappingNode {
		return ""
	}
	quiet := &reader{src: r.src, nodes: r.nodes}
	for _, p := range quiet.pairs(item, "", 0) {
		if n := follow(p.value); p.key.Value == "name" && n.Kind == yaml.ScalarNode && new(checker).topicName("", n.Value) {
			return n.Value
		}
	}
	return ""
}

func (r *reader) unknown(n *yaml.Node, t reflect.Type, section string) {
	keys := keysOf(t)
	if name, _, ok := strings.Cut(n.Value, ":"); ok { // what follows may be a password
		r.bad(n, join(section, name), "no space after the colon", "write "+name+": value")
		return
	}
	fix := "keys here are " + strings.Join(keys, ", ")
	if near := nearest(n.Value, keys); near != "" {
		fix = "did you mean " + near + "?"
	} else if place := elsewhere(n.Value); place != "" {
		fix = "did you mean " + place + "?"
	}
	r.bad(n, join(section, n.Value), "unknown key", fix)
}

func find(t reflect.Type, key string) (field, bool) {
	for _, f := range fields(t) {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// example shows what a value of the type looks like.
func example(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration, such as 2s"
	case t == bytesType:
		return "a size, such as 2GiB"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a text"
}
