package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// badValue is what is wrong with one value, and the fix.
type badValue struct{ text, fix string }

// scalar parses one value, written in the file or in the environment, into
// the type of its key. n must not be null.
func scalar(n *yaml.Node, t reflect.Type) (any, *badValue) {
	switch {
	case t == durationType:
		return duration(n.Value)
	case t == bytesType:
		return size(n.Value)
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolean(n)
	case reflect.Int:
		return integer(n)
	case reflect.Float64:
		return number(n)
	}
	return n.Value, nil // as written, be it 007 or yes
}

func duration(text string) (any, *badValue) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return nil, &badValue{fmt.Sprintf("%s has no unit", text), fmt.Sprintf("write %ss, %sms or the like", text, text)}
	}
	return nil, &badValue{fmt.Sprintf("%q is not a duration", text), "write a number and a unit, such as 500ms, 2s or 720h"}
}

func size(text string) (any, *badValue) {
	var b Bytes
	if err := b.UnmarshalText([]byte(text)); err != nil {
		return nil, &badValue{err.Error(), "write a number and a unit, such as 500MB or 2GiB"}
	}
	return b, nil
}

func boolean(n *yaml.Node) (any, *badValue) {
	if n.ShortTag() == "!!bool" {
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", nil
	}
	return nil, &badValue{fmt.Sprintf("%q is neither true nor false", n.Value), "write true or false, without quotes"}
}

func integer(n *yaml.Node) (any, *badValue) {
	var v int
	if n.ShortTag() == "!!int" && n.Decode(&v) == nil {
		return v, nil
	}
	return nil, &badValue{fmt.Sprintf("%q is not a whole number", n.Value), "write digits alone, such as 4"}
}

func number(n *yaml.Node) (any, *badValue) {
	var v float64
	tag := n.ShortTag()
	if (tag == "!!float" || tag == "!!int") && n.Decode(&v) == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return v, nil
	}
	return nil, &badValue{fmt.Sprintf("%q is not a number", n.Value), "write a number, such as 0.14"}
}
