package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"faird/camera"
	"faird/config"
	"faird/pipeline"
	"faird/verdict"
)

// tally counts what the demo judged and how often it was right, and tells the
// person who started it.
type tally struct {
	out  io.Writer
	live bool // a terminal: one line that changes

	password string // of the page's user demo

	mu              sync.Mutex
	good, rejected  int // good parts; those of them not passed
	defective, miss int // defective parts; those of them passed
	noRead          int
	explained       bool
	shown           time.Time

	err error // of the whole demo, set by finish
}

// explain says in five lines what is going on.
func (t *tally) explain(d *daemon) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.explained = true
	s := d.config.Stations[0]
	host, port, _ := net.SplitHostPort(d.config.MQTT.Builtin.Listen)
	st := d.box.States()[s.Name]
	fmt.Fprintf(t.out, "faird demo: a simulated line feeds station %q from %s; everything runs in this process\n", s.Name, s.Camera.URL)
	fmt.Fprintf(t.out, "model:   %s, on provider %s, threshold %.4f\n", describeModel(), st.Provider, *st.Threshold)
	fmt.Fprintf(t.out, "broker:  built in; watch it with  mosquitto_sub -h %s -p %s -v -t 'faird/%s/%s/%s/#'\n",
		host, port, d.config.Site, d.config.Box, s.Name)
	fmt.Fprintf(t.out, "page:    %s; to change things log in as demo with the password %s\n", d.page.url(), t.password)
	fmt.Fprintln(t.out, "stop:    Ctrl-C")
}

// describeModel says what the built-in model is.
func describeModel() string {
	f, err := pipeline.ReadModel(config.DemoModel)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("built in, UNet c=%d at %dx%d in %s, made by faird train from such lines", f.BaseWidth(), f.Width, f.Height, f.Precision())
}

// observe counts one verdict; it runs on the station's loop.
func (t *tally) observe(v *verdict.Verdict, f *camera.Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case v.Verdict == verdict.NoRead || f == nil || f.Truth == nil:
		t.noRead++
	case f.Truth.Defective:
		t.defective++
		if v.Verdict == verdict.Pass {
			t.miss++
		}
	default:
		t.good++
		if v.Verdict != verdict.Pass {
			t.rejected++
		}
	}
	t.show(v, f)
}

// show prints the newest verdict: on a terminal every one in place, elsewhere a
// line every ten seconds.
func (t *tally) show(v *verdict.Verdict, f *camera.Frame) {
	every, begin, end := 10*time.Second, "", "\n"
	if t.live {
		every, begin, end = 0, "\r\x1b[K", ""
	}
	if !t.explained || time.Since(t.shown) < every {
		return
	}
	t.shown = time.Now()
	score := "no score"
	if v.Score != nil {
		score = fmt.Sprintf("%.4f", *v.Score)
	}
	fmt.Fprintf(t.out, "%s%s  part %d: %s (%s)%s%s", begin, t.figures(), v.Sequence, v.Verdict, score, truth(f), end)
}

func truth(f *camera.Frame) string {
	switch {
	case f == nil || f.Truth == nil:
		return ""
	case f.Truth.Defective:
		return ", in truth: " + f.Truth.Kind
	default:
		return ", in truth: good"
	}
}

// figures is the count so far in one line.
func (t *tally) figures() string {
	return fmt.Sprintf("%d good (%d rejected), %d defective (%d missed), %d not read",
		t.good, t.rejected, t.defective, t.miss, t.noRead)
}

// finish prints the totals and fails the demo if nothing was published.
func (t *tally) finish(d *daemon) {
	t.mu.Lock()
	defer t.mu.Unlock()
	decided := t.good + t.defective + t.noRead
	for range 50 { // acknowledged verdicts leave the outbox a moment later
		if d.store.Waiting().Rows == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	published := decided - int(d.store.Waiting().Rows)
	if t.live {
		fmt.Fprintln(t.out)
	}
	fmt.Fprintf(t.out, "%s; %d of %d verdicts published\n", t.figures(), published, decided)
	if published <= 0 || t.good+t.defective == 0 {
		t.err = errors.New("the demo published no verdict; run faird demo with --library or look at the messages above")
	}
}
