package config

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
	configType   = reflect.TypeFor[Config]()
)

// field is one key of a section.
type field struct {
	key   string
	index int
	typ   reflect.Type // pointers taken off: nil means not set
}

// fields lists a section's keys in the order of the struct.
func fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("mapstructure")
		if key == "" {
			continue
		}
		typ := f.Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		list = append(list, field{key, i, typ})
	}
	return list
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fields(t) {
		keys = append(keys, f.key)
	}
	return keys
}

// isList holds for lists of sections, the only lists there are.
func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice }

func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct }

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}

// elsewhere finds the one place in the file where a key of this name belongs;
// "" if there is none, or more than one.
func elsewhere(name string) string {
	var found []string
	var walk func(t reflect.Type, at string)
	walk = func(t reflect.Type, at string) {
		for _, f := range fields(t) {
			key := join(at, f.key)
			if f.key == name {
				found = append(found, key)
			}
			switch {
			case isSection(f.typ):
				walk(f.typ, key)
			case isList(f.typ):
				walk(f.typ.Elem(), key+"[]")
			}
		}
	}
	walk(configType, "")
	if len(found) > 1 { // sparkplug repeats mqtt's keys of a broker
		found = slices.DeleteFunc(found, func(key string) bool { return strings.HasPrefix(key, "sparkplug.") })
	}
	if len(found) != 1 || strings.EqualFold(found[0], name) {
		return ""
	}
	return found[0]
}

// values gives a section's values as the nested map that viper layers: what
// is nil, and lists, are left out.
func values(v reflect.Value) map[string]any {
	m := map[string]any{}
	for _, f := range fields(v.Type()) {
		fv := v.Field(f.index)
		if fv.Kind() == reflect.Pointer {
			if fv.IsNil() {
				continue
			}
			fv = fv.Elem()
		}
		switch {
		case isSection(f.typ):
			m[f.key] = values(fv)
		case !isList(f.typ):
			m[f.key] = fv.Interface()
		}
	}
	return m
}

// fill adds to a section what it does not name.
func fill(section, defaults map[string]any) {
	for key, value := range defaults {
		have, ok := section[key]
		if !ok {
			section[key] = value
			continue
		}
		if sub, ok := have.(map[string]any); ok {
			fill(sub, value.(map[string]any))
		}
	}
}
