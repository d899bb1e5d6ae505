package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"faird/config/redact"
)

// Show is the config in force as YAML: every key, secrets masked, and beside
// each value that is not a default where it came from.
func (c *Config) Show() string { return c.render(true) }

// Hash is "sha256:…" of the config in force, secrets masked: two boxes with
// the same hash decide by the same settings, and it can be written anywhere.
func (c *Config) Hash() string {
	sum := sha256.Sum256([]byte(c.render(false)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (c *Config) render(origins bool) string {
	r := renderer{&checker{src: c.source}, origins}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	// A tree of plain scalars written to memory: nothing here can fail.
	_ = e.Encode(r.section(reflect.ValueOf(*c), ""))
	_ = e.Close()
	return b.String()
}

type renderer struct {
	keys    *checker
	origins bool
}

func (r renderer) section(v reflect.Value, at string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields(v.Type()) {
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: f.key}
		n.Content = append(n.Content, key, r.value(v.Field(f.index), f.typ, join(at, f.key)))
	}
	return n
}

func (r renderer) value(v reflect.Value, t reflect.Type, key string) *yaml.Node {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		}
		v = v.Elem()
	}
	switch {
	case isSection(t):
		return r.section(v, key)
	case isList(t):
		return r.list(v, key)
	}
	n := scalarNode(v)
	if key == "infer.tensorrt.engine_cache" && v.String() == "" && r.keys.src != nil {
		n.Value = noCache // where Load has left it empty; an empty one in a file is not that
	}
	if o, ok := r.keys.src.exact(key); r.origins && ok {
		o.File = filepath.Base(o.File)
		n.LineComment = "# " + o.String()
	}
	return n
}

func (r renderer) list(v reflect.Value, key string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, r.section(v.Index(i), r.keys.item(key, i)))
	}
	return n
}

// exact is the origin of a value that is not a default.
func (s *source) exact(key string) (Origin, bool) {
	if s == nil {
		return Origin{}, false
	}
	o, ok := s.origins[key]
	return o, ok
}

func scalarNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch value := v.Interface().(type) {
	case time.Duration:
		n.Value = durationText(value)
	case Bytes:
		n.Value = value.String()
	case Secret:
		n.SetString(value.String())
	case string:
		n.SetString(redact.URL(value))
	case float64:
		n.Value = strconv.FormatFloat(value, 'g', -1, 64)
	case bool:
		n.Value = strconv.FormatBool(value)
	case int:
		n.Value = strconv.Itoa(value)
	}
	return n
}

// durationText is Go's form without units that are nought: 720h, not 720h0m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
