package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// held is what a process holds while it is at rest.
type held struct {
	goroutines, threads, files int
	memory                     int // bytes of its own, RssAnon of proc(5)
}

// least is the lesser of each: what is held for a moment alone is left out.
func (h held) least(other held) held {
	return held{
		min(h.goroutines, other.goroutines), min(h.threads, other.threads),
		min(h.files, other.files), min(h.memory, other.memory),
	}
}

// holds looks at a faird with its page at this address.
func holds(pid int, page string) (held, error) {
	var h held
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return h, err
	}
	h.files = len(files)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return h, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		switch name {
		case "Threads":
			h.threads = n
		case "RssAnon":
			h.memory = n << 10
		}
	}
	h.goroutines, err = goroutines(page)
	return h, err
}

// goroutines are those that the metrics tell.
func goroutines(page string) (int, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + page + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(value)
		}
	}
	return 0, fmt.Errorf("the metrics tell no go_goroutines (%s)", answer.Status)
}

// What may be more at the end than at first: Go keeps threads that it no longer
// needs, and C libraries their buffers.
const (
	moreGoroutines = 8
	moreFiles      = 8
	moreThreads    = 16
	moreMemory     = 16 << 20
)

// growth holds what was held late against what was held early, each the median
// of a quarter of the times that it was looked at; the first quarter of a long
// run is left out, in which caches fill.
func growth(looks []held) (early, late held, problems []string) {
	quarter := max(1, len(looks)/4)
	from := 0
	if len(looks) >= 8 {
		from = quarter
	}
	early, late = median(looks[from:from+quarter]), median(looks[len(looks)-quarter:])
	for _, c := range []struct {
		what               string
		early, late, limit int
	}{
		{"goroutines", early.goroutines, late.goroutines, moreGoroutines},
		{"threads", early.threads, late.threads, moreThreads},
		{"open files", early.files, late.files, moreFiles},
		{"bytes of memory", early.memory, late.memory, max(moreMemory, early.memory/10)},
	} {
		if c.late > c.early+c.limit {
			problems = append(problems, fmt.Sprintf("%s grew from %d to %d", c.what, c.early, c.late))
		}
	}
	return early, late, problems
}

func median(looks []held) held {
	middle := func(value func(held) int) int {
		var all []int
		for _, h := range looks {
			all = append(all, value(h))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return held{
		middle(func(h held) int { return h.goroutines }), middle(func(h held) int { return h.threads }),
		middle(func(h held) int { return h.files }), middle(func(h held) int { return h.memory }),
	}
}

// The judge of the soak must find every growth itself.
func TestSoakJudge(t *testing.T) {
	run := func(n int, at func(i int) held) (looks []held) {
		for i := range n {
			looks = append(looks, at(i))
		}
		return looks
	}
	flat := held{60, 30, 40, 100 << 20}
	for name, c := range map[string]struct {
		looks []held
		want  string // part of the one problem; "" is none
	}{
		"flat":        {run(100, func(int) held { return flat }), ""},
		"two looks":   {run(2, func(int) held { return flat }), ""},
		"one peak":    {run(100, func(i int) held { h := flat; h.files += 90 * (i / 99); return h }), ""},
		"warming up":  {run(100, func(i int) held { h := flat; h.memory += min(i, 20) << 20; return h }), ""},
		"goroutines":  {run(100, func(i int) held { h := flat; h.goroutines += i; return h }), "goroutines grew"},
		"threads":     {run(100, func(i int) held { h := flat; h.threads += i; return h }), "threads grew"},
		"files":       {run(100, func(i int) held { h := flat; h.files += i; return h }), "open files grew"},
		"memory":      {run(100, func(i int) held { h := flat; h.memory += i << 19; return h }), "bytes of memory grew"},
		"short, too":  {run(2, func(i int) held { h := flat; h.files += 9 * i; return h }), "open files grew"},
		"it shrinks":  {run(100, func(i int) held { h := flat; h.goroutines -= i / 2; return h }), ""},
		"large, calm": {run(100, func(i int) held { h := held{60, 30, 40, 1 << 30}; h.memory += i << 20; return h }), ""},
	} {
		_, _, problems := growth(c.looks)
		if got := strings.Join(problems, "; "); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
