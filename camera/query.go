package camera

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query reads the settings behind the question mark of a URL into typed values.
// The first wrong one is kept and told by finish, as is a key nobody asked for.
type query struct {
	scheme string
	values url.Values
	known  []string
	err    error
}

func newQuery(scheme, raw string) *query {
	values, err := url.ParseQuery(raw)
	if err != nil { // its text may repeat a part of a secret
		err = errors.New("query: write key=value pairs joined with &, special characters as %XX")
	}
	for key, v := range values {
		if len(v) > 1 && err == nil {
			err = fmt.Errorf("query key %q is given %d times: give it once", key, len(v))
		}
	}
	return &query{scheme: scheme, values: values, err: err}
}

// get returns the text of a key and whether it is there.
func (q *query) get(key string) (string, bool) {
	q.known = append(q.known, key)
	return q.values.Get(key), q.values.Has(key)
}

func (q *query) wrong(key, value, want string) {
	if q.err == nil {
		q.err = fmt.Errorf("query key %s=%q: want %s", key, value, want)
	}
}

func (q *query) whole(key string, fallback, low, high int) int {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		q.wrong(key, text, fmt.Sprintf("a whole number in %d..%d", low, high))
	}
	return n
}

func (q *query) number(key string, fallback, low, high float64) float64 {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= low && x <= high) { // also not a number
		q.wrong(key, text, fmt.Sprintf("a number in %v..%v", low, high))
	}
	return x
}

func (q *query) seed(key string, fallback uint64) uint64 {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		q.wrong(key, text, "a whole number from 0")
	}
	return n
}

func (q *query) yes(key string) bool {
	text, ok := q.get(key)
	if !ok {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		q.wrong(key, text, "true or false")
	}
	return b
}

func (q *query) duration(key string, fallback, high time.Duration) time.Duration {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > high {
		q.wrong(key, text, fmt.Sprintf("a duration in 0s..%v, for example 80ms", high))
	}
	return d
}

func (q *query) word(key, fallback string, allowed ...string) string {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	if !slices.Contains(allowed, text) {
		q.wrong(key, text, strings.Join(allowed, " or "))
	}
	return text
}

// finish tells what was wrong: a value, or a key that this scheme does not know.
func (q *query) finish() error {
	if q.err != nil {
		return q.err
	}
	for key := range q.values {
		if !slices.Contains(q.known, key) {
			return fmt.Errorf("unknown query key %q: %s:// knows %s", key, q.scheme, q.names())
		}
	}
	return nil
}

func (q *query) names() string {
	slices.Sort(q.known)
	return strings.Join(q.known, ", ")
}
