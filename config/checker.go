package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// source is what a Config remembers of where it came from.
type source struct {
	path     string              // absolute; "" without a file
	shown    string              // the path as it was given, for messages
	env      func() []string     // not a field of texts: printing this must not print passwords
	origins  map[string]Origin   // by key
	items    map[string][]string // keys of a list's items, by the list's key
	warnings []string
	files    map[string]fingerprint // of the files the config names
}

// origin finds a key's place, or that of the section around it.
func (s *source) origin(key string) Origin {
	if s == nil {
		return Origin{}
	}
	for key != "" {
		if o, ok := s.origins[key]; ok {
			return o
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return Origin{File: s.shown}
}

// checker gathers what is wrong with values that could be read.
type checker struct {
	src      *source
	problems Problems
	warnings []string
}

// bad reports a problem, once for each key: a value that could not be read is
// not complained about again.
func (k *checker) bad(key, text, fix string) {
	if slices.ContainsFunc(k.problems, func(p Problem) bool { return p.Key == key }) {
		return
	}
	k.problems = append(k.problems, Problem{Origin: k.src.origin(key), Key: key, Text: text, Fix: fix})
}

func (k *checker) warn(key, text, fix string) {
	p := Problem{Origin: k.src.origin(key), Key: key, Text: text, Fix: fix}
	k.warnings = append(k.warnings, p.String())
}

// item is the key of a list's item: by name where the file gives one.
func (k *checker) item(list string, i int) string {
	if k.src != nil && i < len(k.src.items[list]) {
		return k.src.items[list][i]
	}
	return fmt.Sprintf("%s[%d]", list, i)
}

// rules checks everything that needs no file system.
func (k *checker) rules(c *Config) {
	k.identity(c)
	k.log(c.Log)
	k.infer(c.Infer)
	k.mqtt(&c.MQTT)
	k.permissions(c)
	k.sparkplug(&c.Sparkplug)
	k.store(c.Store)
	k.archive(c.Archive)
	k.web(c.Web)
	k.stations(c.Stations)
	k.delivery(c)
}

func (k *checker) oneOf(key, value string, options ...string) {
	if slices.Contains(options, value) {
		return
	}
	fix := "choose " + strings.Join(options[:len(options)-1], ", ") + " or " + options[len(options)-1]
	if near := nearest(value, options); near != "" {
		fix = "did you mean " + near + "?"
	}
	k.bad(key, fmt.Sprintf("%q is not known here", value), fix)
}

func (k *checker) positive(key string, d time.Duration) {
	if d <= 0 {
		k.bad(key, d.String()+" is out of range", "give a duration above 0, such as 2s")
	}
}

func (k *checker) notNegative(key string, n int) {
	if n < 0 {
		k.bad(key, fmt.Sprintf("%d is out of range", n), "give 0 or more")
	}
}

// nearest finds the option someone probably meant; "" if none is close.
func nearest(word string, options []string) string {
	best, least := "", 1+max(1, (len(word)+1)/3)
	for _, o := range options {
		if d := distance(strings.ToLower(word), o); d < least {
			best, least = o, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
