package config

import (
	"slices"
	"strings"
	"testing"
)

func TestKeysHasKindsAndDefaults(t *testing.T) {
	keys := Keys()
	for _, want := range []Key{
		{"site", "text", "site"},
		{"mqtt", "section", ""},
		{"mqtt.keep_alive", "duration", "30s"},
		{"mqtt.builtin.users[]", "list", ""},
		{"mqtt.builtin.users[].password", "text", ""},
		{"store.max_age", "duration", "720h"},
		{"store.max_bytes", "size", "2GiB"},
		{"infer.threads", "whole number", "0"},
		{"infer.strict", "true or false", ""},
		{"stations[].threshold", "number", ""},
		{"stations[].trigger.change.absorb", "duration", "1m"},
		{"stations[].regions[].roi.w", "whole number", "0"},
		{"stations[].regions[].flip", "text", "none"},
	} {
		if !slices.Contains(keys, want) {
			t.Errorf("no %+v", want)
		}
	}
}

// TestKeysAreThoseOfTheEnvironment holds that the list and the reader of
// variables walk one tree.
func TestKeysAreThoseOfTheEnvironment(t *testing.T) {
	var scalars int
	for _, k := range Keys() {
		if !strings.Contains(k.Name, "[]") && k.Kind != "section" {
			scalars++
		}
	}
	src := &source{items: map[string][]string{}}
	if all := leaves(src, map[string]any{}, map[string]any{}); scalars != len(all) || scalars < 50 {
		t.Errorf("%d keys outside lists, and variables set %d", scalars, len(all))
	}
}
