package publish

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// only refuses keys that are not among these.
func (o *object) only(keys ...string) {
	for _, m := range o.members {
		if !slices.Contains(keys, m.key) {
			o.fail("unknown key %q: the keys are %s", clip(m.key), strings.Join(keys, ", "))
		}
	}
}

// exactly refuses keys that differ from these only in case: an id that goes
// unread because it was written "ID" would be an identity lost in silence.
func (o *object) exactly(keys ...string) {
	for _, m := range o.members {
		for _, key := range keys {
			if m.key != key && strings.EqualFold(m.key, key) {
				o.fail("the key %q must be written %q", m.key, key)
			}
		}
	}
}

// value is a key's value; null is none.
func (o *object) value(key string) (v jsontext.Value, there bool) {
	at := slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
	if at < 0 || o.members[at].value.Kind() == 'n' {
		return nil, false
	}
	return o.members[at].value, true
}

func (o *object) has(key string) bool {
	return slices.ContainsFunc(o.members, func(m member) bool { return m.key == key })
}

// name reads what names something: a string, or a number, which stands for the
// characters it is written with.
func (o *object) name(key string) string {
	v, there := o.value(key)
	if !there {
		return ""
	}
	switch v.Kind() {
	case '"', '0':
	default:
		o.fail("field %q must be a string or a number, got %s", key, noun(v.Kind()))
		return ""
	}
	s := string(v)
	if v.Kind() == '"' {
		s = unquote(v)
	}
	if err := checkName(s); err != nil {
		o.fail("field %q %w", key, err)
	}
	if strings.ContainsRune(s, 0) {
		return ""
	}
	return clip(s)
}

// text reads a string.
func (o *object) text(key string) string {
	v, there := o.value(key)
	if !there {
		return ""
	}
	if v.Kind() != '"' {
		o.fail("field %q must be a string, got %s", key, noun(v.Kind()))
		return ""
	}
	return unquote(v)
}

// bit reads a truth value, nil where there is none.
func (o *object) bit(key string) *bool {
	v, there := o.value(key)
	if !there {
		return nil
	}
	is := false
	switch string(v) {
	case "true", "1":
		is = true
	case "false", "0":
	default:
		o.fail("field %q must be true, false, 1 or 0, got %s", key, quoted(v))
		return nil
	}
	return &is
}

// number reads a number, nil where there is none.
func (o *object) number(key string) *float64 {
	v, there := o.value(key)
	if !there {
		return nil
	}
	if v.Kind() != '0' {
		o.fail("field %q must be a number, got %s", key, noun(v.Kind()))
		return nil
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		o.fail("field %q: %s is out of range", key, clip(string(v)))
		return nil
	}
	return &x
}

// moment reads a time, zero where there is none.
func (o *object) moment(key string) time.Time {
	s := o.text(key)
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		o.fail("field %q: %q is not RFC 3339, like 2026-11-23T10:15:00Z", key, clip(s))
	}
	return at
}

// checkName holds a text against what ids and parts may be. Control characters
// may be in them: the codes on labels have separators (ISO/IEC 15434).
func checkName(s string) error {
	switch {
	case len(s) > fieldLimit:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(s), fieldLimit)
	case strings.ContainsRune(s, 0):
		return errors.New("has a NUL character in it: send the string, not what else is in its buffer")
	case strings.ContainsRune(s, utf8.RuneError):
		return errors.New("has U+FFFD in it, the sign of a conversion that lost a character: different names would become the same")
	}
	return nil
}

// quoted is a value as an error quotes it: numbers as they are.
func quoted(v jsontext.Value) string {
	if v.Kind() == '0' {
		return clip(string(v))
	}
	return noun(v.Kind())
}

func unquote(v jsontext.Value) string {
	s, _ := jsontext.AppendUnquote(nil, v) // the decoder has read it as a string
	return string(s)
}
