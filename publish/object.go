package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object that somebody sent, with the first thing that is
// wrong with it. Its fields can be read all the same, as far as they are there:
// whoever sent it knows the answer by them.
type object struct {
	members []member
	err     error
}

type member struct {
	key   string
	value jsontext.Value
}

// readObject reads a text that is clean.
func readObject(text []byte) *object {
	o := &object{}
	if len(text) > payloadLimit {
		o.members, _ = members(text[:payloadLimit])
		o.fail("%d bytes, at most %d are read", len(text), payloadLimit)
		return o
	}
	o.members, o.err = members(text)
	return o
}

// fail notes what is wrong, unless something is already.
func (o *object) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
}

// members takes an object apart, up to what is wrong with it. A key that is
// there twice has no value.
func members(text []byte) (list []member, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	open, err := d.ReadToken()
	if err != nil {
		return nil, syntax(err)
	}
	if open.Kind() != '{' {
		return nil, fmt.Errorf("want a JSON object, got %s", noun(open.Kind()))
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return without(list, twice(err)), syntax(err)
		}
		m := member{key: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return list, syntax(err)
		}
		m.value = value.Clone()
		list = append(list, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return list, syntax(err)
	}
	end := d.InputOffset()
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return list, fmt.Errorf("more follows the JSON object, after byte %d", end)
	}
	return list, nil
}

// twice is the key of the outermost object that an error says is there twice,
// "" where it says something else.
func twice(err error) string {
	var s *jsontext.SyntacticError
	if errors.As(err, &s) && errors.Is(err, jsontext.ErrDuplicateName) && s.JSONPointer.Parent() == "" {
		return s.JSONPointer.LastToken()
	}
	return ""
}

func without(list []member, key string) []member {
	return slices.DeleteFunc(list, func(m member) bool { return m.key == key })
}

// syntax says what is wrong in terms of the text.
func syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.As(err, &s) && errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("the key %q is there twice", clip(s.JSONPointer.LastToken()))
	case errors.Is(err, io.EOF):
		return errors.New("not JSON: it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: it ends too early")
	case errors.As(err, &s):
		return fmt.Errorf("not JSON: byte %d: %w", s.ByteOffset+1, s.Err)
	}
	return fmt.Errorf("not JSON: %w", err)
}

func noun(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	default:
		return "an object"
	}
}
