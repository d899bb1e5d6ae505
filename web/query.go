package web

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"faird/verdict"
)

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  *int64 `json:"next"`
}

// query reads a request's parameters; the first that is not as it should be
// is kept as the error.
type query struct {
	url.Values
	err error
}

func (q *query) bad(name, want string) {
	if q.err == nil {
		q.err = badRequest("%s is %q: give %s", name, q.Get(name), want)
	}
}

func (q *query) integer(name string, otherwise, most int64) int64 {
	text := q.Get(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > most {
		q.bad(name, "a whole number of 1 to "+strconv.FormatInt(most, 10))
		return otherwise
	}
	return n
}

func (q *query) limit(otherwise, most int64) int { return int(q.integer("limit", otherwise, most)) }

// number gives nil where there is none.
func (q *query) number(name string) *float64 {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v-v != 0 {
		q.bad(name, "a number")
		return nil
	}
	return &v
}

func (q *query) moment(name string) time.Time {
	text := q.Get(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		q.bad(name, "a time such as 2026-11-23T10:15:00Z")
	}
	return t
}

func (q *query) oneOf(name string, options ...string) string {
	text := q.Get(name)
	if text != "" && !slices.Contains(options, text) {
		q.bad(name, strings.Join(options, ", "))
	}
	return text
}

func (q *query) kinds() (out []verdict.Kind) {
	text := q.Get("verdict")
	if text == "" {
		return nil
	}
	for k := range strings.SplitSeq(text, ",") {
		switch kind := verdict.Kind(k); kind {
		case verdict.Pass, verdict.Fail, verdict.Review, verdict.NoRead:
			out = append(out, kind)
		default:
			q.bad("verdict", "some of pass, fail, review, no_read, with commas")
		}
	}
	return out
}

var (
	stationName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	verdictID   = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
)

func (q *query) station() string {
	text := q.Get("station")
	if text != "" && !stationName.MatchString(text) {
		q.bad("station", "the name of a station")
	}
	return text
}
