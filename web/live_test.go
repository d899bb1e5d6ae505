package web

import (
	"bufio"
	"context"
	"strings"
	"testing"
	"time"

	"faird/pipeline"
	"faird/publish"
	"faird/verdict"
)

// listener is a browser that listens for events.
type listener struct {
	*world
	events chan [2]string // name and data; closed at the end
	cancel context.CancelFunc
}

func (b *browser) listen(path string) *listener {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := b.request("GET", path, nil).WithContext(ctx)
	client := *b.client
	client.Timeout = 0
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("events: %d %v", resp.StatusCode, resp.Header)
	}
	l := &listener{world: b.world, events: make(chan [2]string, 1000), cancel: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(l.events)
		defer resp.Body.Close()
		scanner := bufio.NewScanner(resp.Body)
		scanner.Buffer(nil, 1<<20)
		var name string
		for scanner.Scan() {
			if n, ok := strings.CutPrefix(scanner.Text(), "event: "); ok {
				name = n
			} else if data, ok := strings.CutPrefix(scanner.Text(), "data: "); ok {
				l.events <- [2]string{name, data}
			}
		}
	}()
	b.t.Cleanup(func() { cancel(); <-done })
	return l
}

// next gives the data of the next event of this name.
func (l *listener) next(name string) []byte {
	l.t.Helper()
	for limit := time.After(30 * time.Second); ; {
		select {
		case e, ok := <-l.events:
			if !ok {
				l.t.Fatalf("the stream ended before an event %s", name)
			}
			if e[0] == name {
				return []byte(e[1])
			}
		case <-limit:
			l.t.Fatalf("no event %s", name)
		}
	}
}

func TestStateAsItIs(t *testing.T) {
	w := newWorld(t, nil)
	w.decide("cap", verdict.Fail, 0.9)
	status, body := w.browser().get("/api/state")
	want(t, "state", status, body, 200)
	s := decode[stateJSON](t, body)
	if s.Box != "edge7" || len(s.Stations) != 2 || s.Stations[0].Name != "cap" || s.Stations[0].Last == nil || s.Stations[1].Why != "paused by anna" ||
		!s.Broker.Connected || s.Outbox.Rows != 1 || s.Archive.Pictures != 1 || s.Disk.Total == 0 || s.Stations[0].Rate <= 0 {
		t.Errorf("state %s", body)
	}
}

func TestEventsBringStateAndVerdicts(t *testing.T) {
	w := newWorld(t, nil)
	l := w.browser().listen("/api/events")
	w.contract.validate(t, "#/components/schemas/State", l.next("state"))
	began := time.Now()
	v := w.decide("cap", verdict.Fail, 0.9)
	data := l.next("verdict")
	t.Logf("the verdict came %s after it was decided", time.Since(began))
	w.contract.validate(t, "#/components/schemas/VerdictEvent", data)
	e := decode[eventJSON](t, data)
	if e.Verdict.ID != v.ID || e.View == nil || e.Key == 0 {
		t.Fatalf("event %s", data)
	}
	b := w.browser()
	for _, address := range []string{e.View.Thumb, e.View.Picture, e.View.Restored, e.View.Map} {
		resp, err := b.client.Get(w.url + address)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.Header.Get("X-Verdict-Id") != v.ID {
			t.Errorf("%s: %d %v", address, resp.StatusCode, resp.Header)
		}
	}
	w.stations.change("cap", func(st *publish.StationState) { st.Ready, st.Why = false, "camera: gone" })
	for !strings.Contains(string(l.next("state")), "camera: gone") {
	}
	w.decide("lid", verdict.NoRead, 0)
	data = l.next("verdict")
	w.contract.validate(t, "#/components/schemas/VerdictEvent", data)
	if e := decode[eventJSON](t, data); e.View != nil || e.Verdict.Station != "lid" {
		t.Errorf("event %s", data)
	}
}

// A live picture is that of the verdict asked for, or none.
func TestALivePictureIsNeverAnothers(t *testing.T) {
	w := newWorld(t, nil)
	first, second := w.decide("cap", verdict.Fail, 0.9), w.decide("cap", verdict.Fail, 0.8)
	b := w.browser()
	for _, view := range []string{"thumb", "picture", "restored", "map"} {
		address := "/api/stations/cap/live/" + view
		status, body := b.get(address + "?id=" + first.ID)
		want(t, view+" of the one before", status, body, 204)
		for _, id := range []string{"", "?id=" + second.ID} {
			if status, body = b.get(address + id); status != 200 || len(body) == 0 {
				t.Errorf("%s%s: %d with %d bytes", view, id, status, len(body))
			}
		}
	}
}

func TestEventsOfOneStation(t *testing.T) {
	w := newWorld(t, nil)
	l := w.browser().listen("/api/events?station=lid")
	l.next("state")
	w.decide("cap", verdict.Pass, 0.1)
	v := w.decide("lid", verdict.Pass, 0.1)
	if e := decode[eventJSON](t, l.next("verdict")); e.Verdict.ID != v.ID {
		t.Errorf("got the verdict of %s", e.Verdict.Station)
	}
}

// While models load the page is there, and says so; nobody takes the box for ready.
func TestWhileStationsStart(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"cap", "lid"} {
		w.stations.change(name, func(st *publish.StationState) {
			*st = publish.StationState{Why: pipeline.Starting, Trigger: "mqtt"}
		})
	}
	w.broker.mu.Lock()
	w.broker.status = publish.Status{}
	w.broker.mu.Unlock()
	b := w.browser()
	status, body := b.get("/api/state")
	want(t, "state", status, body, 200)
	if s := decode[stateJSON](t, body); !s.Stations[0].Starting || s.Stations[0].Ready || s.Stations[0].Threshold != nil {
		t.Errorf("state %s", body)
	}
	status, body = b.get("/readyz")
	want(t, "readyz", status, body, 503)
	if !strings.Contains(string(body), "station cap: being started") || !strings.Contains(string(body), "broker: not connected yet") {
		t.Errorf("readyz %s", body)
	}
	status, body = b.get("/healthz")
	want(t, "healthz", status, body, 200)
	status, body = b.get("/metrics")
	want(t, "metrics", status, body, 200)
}

// A browser that does not read must cost the station nothing; one that is gone
// must not be kept.
func TestSlowAndGoneBrowsersHoldNobodyUp(t *testing.T) {
	w := newWorld(t, nil)
	feed := w.server.Feed
	gone := w.browser().listen("/api/events")
	gone.next("state")
	slow := feed.join("") // takes nothing, ever
	defer feed.leave(slow)
	v := &verdict.Verdict{Schema: verdict.SchemaV1, Station: "cap", Regions: []verdict.Region{}}
	gone.cancel()
	w.until("the one that is gone is forgotten", func() bool { return feed.listeners() == 1 })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100_000 {
			copied := *v
			copied.Sequence = uint64(i)
			feed.Verdict(&copied, int64(i), nil)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a slow browser holds the station up")
	}
	_, events := slow.take()
	if len(events) != 1 || events[0].verdict.Sequence != 99_999 {
		t.Errorf("%d events wait for the slow one, the newest %d", len(events), events[0].verdict.Sequence)
	}
}

// A browser whose connection takes nothing any more is let go, and the station
// has waited for it at no time.
func TestABrowserThatDoesNotRead(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	b.client.Timeout = 0 // it stays
	resp, err := b.client.Get(w.url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() // until then nobody reads
	feed := w.server.Feed
	w.until("it listens", func() bool { return feed.listeners() == 1 })
	v := &verdict.Verdict{Schema: verdict.SchemaV1, Station: "cap", Regions: make([]verdict.Region, 500)}
	told := make(chan struct{})
	go func() {
		defer close(told)
		for end := time.Now().Add(2 * time.Minute); feed.listeners() > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			copied := *v
			feed.Verdict(&copied, 1, nil)
		}
	}()
	select {
	case <-told:
	case <-time.After(4 * time.Minute):
		t.Fatal("it holds the station up")
	}
	if n := feed.listeners(); n != 0 {
		t.Errorf("%d are still fed", n)
	}
}

func TestTooManyBrowsers(t *testing.T) {
	w := newWorld(t, nil)
	for range mostClients {
		c := w.server.Feed.join("")
		defer w.server.Feed.leave(c)
	}
	status, body := w.browser().get("/api/events")
	want(t, "one more", status, body, 503)
}

func TestByeWhenTheSessionEnds(t *testing.T) {
	w := newWorld(t, locked)
	w.users()
	b := w.as("vera")
	l := b.listen("/api/events")
	l.next("state")
	status, body := b.post("/api/logout", nil)
	want(t, "log-out", status, body, 204)
	l.next("bye")
}

// What one browser asked for is not made again for the next.
func TestPicturesAreMadeOnce(t *testing.T) {
	w := newWorld(t, nil)
	v := w.decide("cap", verdict.Pass, 0.1)
	first, id, err := w.gallery.Newest("cap", views["thumb"].live)
	if err != nil || id != v.ID {
		t.Fatalf("newest is of %s, %v", id, err)
	}
	second, _, err := w.gallery.Newest("cap", views["thumb"].live)
	if err != nil || &first[0] != &second[0] {
		t.Errorf("made twice, %v", err)
	}
}

func TestHealthReadyAndMetrics(t *testing.T) {
	w := newWorld(t, locked)
	secret, err := w.accounts.AddToken("prometheus", 1, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	w.decide("cap", verdict.Fail, 0.9)
	w.server.Published("cap", 140*time.Millisecond)
	b := w.browser()
	status, body := b.get("/healthz")
	want(t, "healthz", status, body, 200)
	status, body = b.get("/readyz")
	want(t, "readyz with a paused station", status, body, 503)
	if !strings.Contains(string(body), "station lid: paused by anna") {
		t.Errorf("readyz %s", body)
	}
	w.stations.change("lid", func(st *publish.StationState) { st.Ready, st.Why = true, "" })
	status, body = b.get("/readyz")
	want(t, "readyz", status, body, 200)
	w.broker.mu.Lock()
	w.broker.builtin = &publish.BuiltinStatus{Err: "too many open files", RoundTrip: 2 * time.Millisecond, AcceptFailures: 3, Limits: []publish.Use{
		{Limit: "sockets", Max: 256, Now: 12, Kept: true, Reached: 4}, {Limit: "packet", Max: 2 << 20},
	}}
	w.broker.mu.Unlock()
	status, body = b.get("/readyz")
	want(t, "readyz with a broker that serves nobody", status, body, 503)
	if !strings.Contains(string(body), "built-in broker: too many open files") {
		t.Errorf("readyz %s", body)
	}
	w.broker.mu.Lock()
	w.broker.status = publish.Status{Err: "connection refused"}
	w.broker.mu.Unlock()
	status, body = b.get("/readyz")
	want(t, "readyz without a broker", status, body, 503)
	status, body = b.get("/metrics")
	want(t, "metrics for nobody", status, body, 401)
	b.header.Set("Authorization", "Bearer "+secret)
	status, body = b.get("/metrics")
	want(t, "metrics", status, body, 200)
	for _, line := range []string{
		`faird_verdicts_total{station="cap",verdict="fail"} 0`, `faird_latency_seconds_count{station="cap"} 1`,
		`faird_publish_latency_seconds_bucket{station="cap",le="0.125"} 0`, `faird_publish_latency_seconds_bucket{station="cap",le="0.15"} 1`, `faird_outbox_verdicts 1`,
		`faird_broker_connected 0`, `faird_station_ready{station="lid"} 1`, `faird_archive_pictures 1`, `faird_store_refuses 0`,
		`faird_builtin_broker_serves 0`, `faird_builtin_broker_round_trip_seconds 0.002`, `faird_builtin_broker_accept_failures_total 3`,
		`faird_builtin_broker_limit{limit="packet"} 2.097152e+06`, `faird_builtin_broker_used{limit="sockets"} 12`, `faird_builtin_broker_limit_reached_total{limit="sockets"} 4`,
		`faird_stage_seconds_count{stage="restore",station="cap"} 1`, `faird_info{box="edge7",site="plant1",version="test"} 1`,
	} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
}

func TestRate(t *testing.T) {
	var m rateMeter
	start := time.Unix(1_000_000, 0)
	for i := range 120 { // two a second for a minute
		m.add(start.Add(time.Duration(i) * 500 * time.Millisecond))
	}
	for after, want := range map[int]float64{59: 120, 89: 60, 200: 0} {
		copied := m
		if got := copied.perMinute(start.Add(time.Duration(after) * time.Second)); got < want-3 || got > want+3 {
			t.Errorf("after %d s: %g a minute, want %g", after, got, want)
		}
	}
}
