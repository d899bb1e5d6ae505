package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/verdict"
)

// The flood's length: make flood takes the long way.
var floodFor = flag.Duration("flood", 8*time.Second, "TestFlood: how long the built-in broker is attacked")

const (
	floodPause    = 100 * time.Millisecond // between an answer and the next trigger
	floodDeadline = 5 * time.Second        // of each
	floodSettle   = time.Minute            // until nothing is left of the attacks
	floodMost     = 400 << 20              // bytes of memory, with all limits reached
	floodLog      = 1 << 20                // bytes of log
)

// TestFlood attacks the built-in broker of a real daemon in every way known, all
// at once, while a PLC triggers a station: each trigger must be answered by its
// deadline, a PLC that comes anew must get in, and memory must be flat. See
// docs/reliability.md.
func TestFlood(t *testing.T) {
	f := newFlood(t)
	f.settle("before")
	before := f.look()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), *floodFor)
	defer cancel()
	var owned sync.WaitGroup
	for _, l := range f.lanes() {
		owned.Go(func() { l.run(ctx) })
	}
	owned.Go(func() { f.comeAnew(ctx) })
	owned.Go(func() { f.watch(ctx) })
	f.trigger(ctx)
	owned.Wait()
	f.answered()
	f.settle("after")
	after := f.look()
	f.t.Logf("%s: held before %+v and after %+v, at most %d MB meanwhile", time.Since(began).Round(time.Second), before, after, f.most()>>20)
	f.judge(before, after)
}

// flood is one run.
type flood struct {
	t          *testing.T
	daemon     *process
	addr, page string
	plc        mqtt.Client

	mu      sync.Mutex
	sent    map[string]time.Time   // triggers, by id
	took    []time.Duration        // of those that were answered
	unread  map[verdict.Reason]int // answers that are no_read, by reason
	odd     []string               // what must not be
	looks   []held
	unready int // looks at /readyz that found it not to be
	came    int // PLCs that came anew
}

func newFlood(t *testing.T) *flood {
	t.Helper()
	dir := t.TempDir()
	f := &flood{
		t: t, addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), sent: map[string]time.Time{}, unread: map[verdict.Reason]int{},
		page: net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))),
	}
	text := fmt.Sprintf("site: plant1\nbox: edge7\ninfer: {library: %s, provider: cpu, threads: 1}\nweb: {listen: '%s'}\nstore: {path: %s}\n"+
		"mqtt: {builtin: {listen: '%s', limits: {sockets: 64, user_sockets: 16, connect_timeout: 2s, sessions: 32}, users: [\n"+
		"  {name: plc, password: plc-secret, write: true}, {name: hmi, password: hmi-secret, trigger: all}, {name: viewer, password: viewer-secret}]}}\n"+
		"stations:\n  - {name: cap, model: %s, threshold: 0.3, camera: {url: 'file://%s?loop=true&rate=20'}, trigger: {mode: mqtt, deadline: %s}}\n",
		library(t), f.page, filepath.Join(dir, "data"), f.addr, tinyModel(t, 0.5), smallPictures(t), floodDeadline)
	f.daemon = start(t, dir, []string{"FAIRD_WEB_LISTEN=" + f.page}, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, time.Minute, "the box is ready", func() bool { return f.ready() == "" })
	o := mqtt.NewClientOptions().AddBroker("tcp://" + f.addr).SetClientID("plc-line").SetUsername("plc").SetPassword("plc-secret").
		SetCleanSession(false).SetAutoReconnect(false).SetKeepAlive(10 * time.Second).SetOrderMatters(true).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { f.say("the PLC's connection is lost: %v", err) })
	f.plc = mqtt.NewClient(o)
	for _, ask := range []func() mqtt.Token{f.plc.Connect, func() mqtt.Token { return f.plc.Subscribe(cap0+"/verdict", 1, f.verdict) }} {
		if token := ask(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	t.Cleanup(func() { f.plc.Disconnect(100) })
	return f
}

// say notes what must not be.
func (f *flood) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.odd = append(f.odd, fmt.Sprintf(format, args...))
}

// verdict notes an answer.
func (f *flood) verdict(_ mqtt.Client, m mqtt.Message) {
	var v verdict.Verdict
	if err := json.Unmarshal(m.Payload(), &v); err != nil {
		f.say("%v", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at, is := f.sent[v.Trigger.ID]
	if !is {
		return // an attacker's
	}
	delete(f.sent, v.Trigger.ID)
	f.took = append(f.took, time.Since(at))
	if v.Verdict == verdict.NoRead {
		f.unread[v.Reason]++ // an answer too, which a machine that is too slow gets
	}
}

// trigger is the PLC at work until ctx ends.
func (f *flood) trigger(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprint("t-", i)
		f.mu.Lock()
		f.sent[id] = time.Now()
		f.mu.Unlock()
		if token := f.plc.Publish(cap0+"/trigger", 1, false, fmt.Sprintf(`{"id":%q}`, id)); !token.WaitTimeout(floodDeadline) || token.Error() != nil {
			f.say("trigger %s is not taken: %v", id, token.Error())
			return
		}
		for began := time.Now(); f.waits(id) && time.Since(began) < floodDeadline; {
			time.Sleep(time.Millisecond)
		}
		select {
		case <-time.After(floodPause):
		case <-ctx.Done():
		}
	}
}

// waits reports whether a trigger is not yet answered.
func (f *flood) waits(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, is := f.sent[id]
	return is
}

// answered waits for what is still on its way.
func (f *flood) answered() {
	f.t.Helper()
	until(f.t, 2*floodDeadline, "an answer to every trigger", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.sent) == 0
	})
}

// comeAnew is another PLC that comes and goes.
func (f *flood) comeAnew(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		began := time.Now()
		for tries := 1; ; tries++ {
			a, err := attack(f.addr)
			if err == nil && a.connect(fmt.Sprint("line-", i), "plc", "plc-secret", true) == 0 {
				a.close()
				break
			}
			a.close()
			if time.Since(began) > 2*floodDeadline {
				f.say("a PLC does not get in, %d tries", tries)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		f.mu.Lock()
		f.came++
		f.mu.Unlock()
		time.Sleep(time.Second / 2)
	}
}

// ready is why the box is not.
func (f *flood) ready() string {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + f.page + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	var r struct{ Why []string }
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
		return err.Error()
	}
	return strings.Join(r.Why, "; ")
}

func (f *flood) look() held {
	f.t.Helper()
	h, err := holds(f.daemon.cmd.Process.Pid, f.page)
	if err != nil {
		f.t.Fatal(err)
	}
	return h
}

// watch looks at the daemon once a second.
func (f *flood) watch(ctx context.Context) {
	for ctx.Err() == nil {
		h, err := holds(f.daemon.cmd.Process.Pid, f.page)
		why := f.ready()
		f.mu.Lock()
		if err != nil {
			f.odd = append(f.odd, err.Error())
		} else {
			f.looks = append(f.looks, h)
		}
		if why != "" {
			f.unready++
			f.t.Logf("not ready: %s", why)
		}
		f.mu.Unlock()
		time.Sleep(time.Second)
	}
}

func (f *flood) most() (most int) {
	for _, h := range f.looks {
		most = max(most, h.memory)
	}
	return most
}

// settle waits until the PLC alone is connected.
func (f *flood) settle(when string) {
	f.t.Helper()
	until(f.t, floodSettle, "only the PLC is connected, "+when, func() bool {
		m := f.metrics()
		return m[`faird_builtin_broker_used{limit="sockets"}`] <= 2 // the broker's look at itself now and then
	})
}

// metrics are those of the built-in broker.
func (f *flood) metrics() map[string]float64 {
	list := map[string]float64{}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + f.page + "/metrics")
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	for _, line := range readLines(f.t, answer.Body) {
		name, value, ok := strings.Cut(line, " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasPrefix(name, "faird_builtin_broker") {
			list[name] = v
		}
	}
	return list
}

// judge says what held.
func (f *flood) judge(before, after held) {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.took)
	at := func(share float64) time.Duration {
		return f.took[int(share*float64(len(f.took)-1))].Round(time.Millisecond)
	}
	f.t.Logf("%d triggers answered: half within %s, 99%% within %s, all within %s, no_read %v; %d PLCs came anew; %d of %d looks found it not ready; %d bytes of log",
		len(f.took), at(0.5), at(0.99), at(1), f.unread, f.came, f.unready, len(f.looks), len(f.daemon.errs.String()))
	for _, a := range f.tally() {
		f.t.Log(a)
	}
	if len(f.odd) > 0 {
		f.t.Errorf("%d times what must not be, such as\n%s", len(f.odd), strings.Join(f.odd[:min(10, len(f.odd))], "\n"))
	}
	if at(1) > floodDeadline+time.Second {
		f.t.Errorf("a trigger was answered after %s", at(1))
	}
	if most := f.most(); most > floodMost {
		f.t.Errorf("%d MB of memory", most>>20)
	}
	if len(f.looks) >= 60 {
		early, late, problems := growth(f.looks)
		f.t.Logf("early %+v, late %+v", early, late)
		for _, p := range problems {
			f.t.Error(p)
		}
	}
	if after.files > before.files+moreFiles || after.goroutines > before.goroutines+moreGoroutines {
		f.t.Errorf("something is left: before %+v, after %+v", before, after)
	}
	if n := len(f.daemon.errs.String()); n > floodLog {
		f.t.Errorf("%d bytes of log", n)
	}
}

// tally is how often each limit was reached.
func (f *flood) tally() (lines []string) {
	m := f.metrics()
	for _, limit := range []string{
		"sockets", "user_sockets", "connect_timeout", "wrong_passwords", "packet", "unread", "sessions", "queued_bytes",
		"retained_messages", "retained_bytes", "session_subscriptions", "subscriptions", "session_messages",
	} {
		n := m[`faird_builtin_broker_limit_reached_total{limit="`+limit+`"}`]
		lines = append(lines, fmt.Sprintf("limit %s reached %.0f times", limit, n))
	}
	return lines
}
