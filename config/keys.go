package config

import (
	"reflect"
	"time"
)

//go:generate go run ./keytable ..

// Key is one key of the config file, for those who describe them.
type Key struct {
	Name    string // as faird config show nests them, lists with []: stations[].trigger.mode
	Kind    string // what is written: a section, a list, text, a number, …
	Default string // as the file would write it; "" where it has none or is empty
}

// Keys lists every key there is, sections before what is in them, with the
// defaults of a file that names a station, a user or a region and nothing else.
func Keys() []Key { return keysBelow(reflect.ValueOf(Default()), "") }

func keysBelow(section reflect.Value, at string) []Key {
	var list []Key
	for _, f := range fields(section.Type()) {
		name, value := join(at, f.key), section.Field(f.index)
		switch {
		case isList(f.typ):
			list = append(list, Key{Name: name + "[]", Kind: "list"})
			list = append(list, keysBelow(newItem(f.typ.Elem()), name+"[]")...)
		case isSection(f.typ):
			if value.Kind() == reflect.Pointer {
				value = reflect.Zero(f.typ)
			}
			list = append(list, Key{Name: name, Kind: "section"})
			list = append(list, keysBelow(value, name)...)
		default:
			list = append(list, Key{name, kindOf(f.typ), defaultText(value)})
		}
	}
	return list
}

// newItem is a list's item that names none of its keys.
func newItem(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[Station]():
		return reflect.ValueOf(DefaultStation())
	case reflect.TypeFor[Region]():
		return reflect.ValueOf(DefaultRegion())
	}
	return reflect.Zero(t)
}

func kindOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Bytes]():
		return "size"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	}
	return "text"
}

func defaultText(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		return "" // left out: the comment says what then holds
	}
	return scalarNode(v).Value
}
