package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "FAIRD_"

// foreign are FAIRD_ variables that are not for the config: the command's own,
// and what Kubernetes sets for a service called faird or faird-something.
var foreign = regexp.MustCompile(`^FAIRD_(CONFIG|VETTING_PROGRAM|GOLDEN|DATASETS|MODELS|(.*_)?SERVICE_(HOST|PORT.*)|(.*_)?PORT(_\d+_.*)?)$`)

var notInName = regexp.MustCompile(`[^A-Z0-9]+`)

// envName is the variable that overrides a key: FAIRD_MQTT_BROKER for
// mqtt.broker, FAIRD_STATIONS_CAP_THRESHOLD for the threshold of station cap.
func envName(key string) string {
	return envPrefix + strings.Trim(notInName.ReplaceAllString(strings.ToUpper(key), "_"), "_")
}

// leaf is one value that a variable can set.
type leaf struct {
	key  string
	name string // the key's last part
	typ  reflect.Type
	in   func() map[string]any // the section it goes into
}

// leaves lists every value there is: those outside lists go into over, those
// of a list's items into the item.
func leaves(src *source, file, over map[string]any) []leaf {
	var list []leaf
	var walk func(t reflect.Type, at string, in func() map[string]any)
	walk = func(t reflect.Type, at string, in func() map[string]any) {
		for _, f := range fields(t) {
			key := join(at, f.key)
			switch {
			case isSection(f.typ):
				walk(f.typ, key, func() map[string]any { return child(in(), f.key) })
			case isList(f.typ):
				items := lookup(file, key)
				if items == nil && len(src.items[key]) > 0 { // a list within a list's item
					items, _ = in()[f.key].([]any)
				}
				for i, item := range src.items[key] {
					walk(f.typ.Elem(), item, func() map[string]any { return items[i].(map[string]any) })
				}
			default:
				list = append(list, leaf{key, f.key, f.typ, in})
			}
		}
	}
	walk(configType, "", func() map[string]any { return over })
	return list
}

func child(m map[string]any, key string) map[string]any {
	if c, ok := m[key].(map[string]any); ok {
		return c
	}
	c := map[string]any{}
	m[key] = c
	return c
}

// lookup finds a list outside of lists.
func lookup(m map[string]any, key string) []any {
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		m, _ = m[p].(map[string]any)
	}
	items, _ := m[parts[len(parts)-1]].([]any)
	return items
}

// environment applies the variables: to file where they change a list's item,
// else to the map it returns. An empty variable is one that is not set.
func (r *reader) environment(env []string, file map[string]any) map[string]any {
	over := map[string]any{}
	all := leaves(r.src, file, over)
	for _, line := range slices.Sorted(slices.Values(env)) {
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || foreign.MatchString(name) {
			continue
		}
		r.variable(name, value, all)
	}
	r.oneForm(all)
	return over
}

func (r *reader) variable(name, value string, all []leaf) {
	var match []leaf
	for _, l := range all {
		if envName(l.key) == name {
			match = append(match, l)
		}
	}
	switch len(match) {
	case 1:
		r.override(match[0], name, value)
	case 0:
		r.badVariable(name, "", "names no key", r.suggest(name, all))
	default:
		r.badVariable(name, "", fmt.Sprintf("could be %s or %s", match[0].key, match[1].key), "change the file instead")
	}
}

func (r *reader) override(l leaf, name, value string) {
	v, bad := scalar(&yaml.Node{Kind: yaml.ScalarNode, Value: value}, l.typ)
	r.src.origins[l.key] = Origin{Env: name}
	if bad != nil {
		r.badVariable(name, l.key, bad.text, bad.fix)
		return
	}
	l.in()[l.name] = v
}

// oneForm lets a password from the environment replace a password_file of the
// file, and the other way round.
func (r *reader) oneForm(all []leaf) {
	other := map[string]string{"password": "password_file", "password_file": "password"}
	for _, l := range all {
		if sibling, ok := other[l.name]; ok && r.src.origins[l.key].Env != "" {
			if at := strings.TrimSuffix(l.key, l.name) + sibling; r.src.origins[at].Env == "" {
				l.in()[sibling] = ""
			}
		}
	}
}

func (r *reader) suggest(name string, all []leaf) string {
	var names []string
	for _, l := range all {
		names = append(names, strings.ToLower(envName(l.key)))
	}
	if near := nearest(name, names); near != "" && distance(strings.ToLower(name), near) <= 3 {
		return "did you mean " + strings.ToUpper(near) + "?"
	}
	return "take it out, or see faird.yaml for the keys"
}

func (r *reader) badVariable(name, key, text, fix string) {
	r.problems = append(r.problems, Problem{Origin: Origin{Env: name}, Key: key, Text: text, Fix: fix})
}
