package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"
	"golang.org/x/crypto/bcrypt"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/pipeline/gallery"
	"faird/publish"
	"faird/store"
	"faird/verdict"
	"faird/web/account"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(asBrowsers); url != "" {
		beBrowsers(url)
		return
	}
	goleak.VerifyTestMain(m)
}

// fakeStations are stations whose state the test decides.
type fakeStations struct {
	mu       sync.Mutex
	states   map[string]publish.StationState
	commands []publish.Command
	refuse   string
}

func (f *fakeStations) States() map[string]publish.StationState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]publish.StationState{}
	for name, st := range f.states {
		out[name] = st
	}
	return out
}

func (f *fakeStations) change(name string, edit func(*publish.StationState)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.states[name]
	edit(&st)
	f.states[name] = st
}

func (f *fakeStations) Command(_ context.Context, station string, c publish.Command) publish.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, c)
	if f.refuse != "" {
		return publish.Reply{Error: f.refuse}
	}
	st := f.states[station]
	switch c.Command {
	case publish.CommandThreshold:
		st.Threshold, st.ThresholdFrom = c.Threshold.Value, "override"
		if c.Review.Given {
			st.Review = c.Review.Value
		}
		if c.Threshold.Value == nil {
			st.Threshold, st.Review, st.ThresholdFrom = number(0.5), nil, "model"
		}
	case publish.CommandPause:
		st.Paused = true
	case publish.CommandResume:
		st.Paused = false
	}
	f.states[station] = st
	return publish.Reply{OK: true}
}

type fakeBroker struct {
	mu      sync.Mutex
	status  publish.Status
	builtin *publish.BuiltinStatus
}

func (f *fakeBroker) Status() publish.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *fakeBroker) Builtin() *publish.BuiltinStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.builtin
}

func number(v float64) *float64 { return &v }

// world is a page with everything behind it but cameras and a broker.
type world struct {
	t         testing.TB
	server    *Server
	store     *store.Store
	archive   *store.Archive
	gallery   *gallery.Gallery
	stations  *fakeStations
	broker    *fakeBroker
	accounts  *account.File
	url       string
	contract  *contract
	scale     int // of the pictures of 64x48
	sequence  uint64
	inspected []verdict.Inspected // of what is decided
}

const password = "correct horse battery"

// roles are the users.
var roles = map[string]account.Role{"vera": account.Viewer, "olga": account.Operator, "adam": account.Admin}

func newWorld(t testing.TB, edit func(*config.Web)) *world {
	t.Helper()
	dir := t.TempDir()
	log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	conf := config.Default()
	conf.Store.Path = dir
	conf.Web.Listen, conf.Web.Users = "127.0.0.1:0", filepath.Join(dir, "users.json")
	if edit != nil {
		edit(&conf.Web)
	}
	w := &world{
		t: t, contract: readContract(t), scale: 1,
		broker: &fakeBroker{status: publish.Status{Connected: true, Broker: "tcp://127.0.0.1:1883", Since: time.Now()}},
		stations: &fakeStations{states: map[string]publish.StationState{
			"cap": {Ready: true, Camera: publish.CameraState{Connected: true}, Model: "sha256:aa", Provider: "cpu", Trigger: "free", Threshold: number(0.5), ThresholdFrom: "model"},
			"lid": {Why: "paused by anna", Paused: true, Trigger: "mqtt", Threshold: number(0.2), ThresholdFrom: "config"},
		}},
	}
	var err error
	if w.store, err = store.Open(conf.Store, log); err != nil {
		t.Fatal(err)
	}
	conf.Archive = config.Archive{MaxBytes: 50e6, Sample: 1}
	if w.archive, err = w.store.Archive(conf.Archive); err != nil {
		t.Fatal(err)
	}
	feed := NewFeed()
	w.gallery = gallery.New(conf.Archive, w.archive, feed.Verdict, log)
	w.server, err = New(Deps{
		Identity: publish.Identity{Site: "plant1", Box: "edge7", Version: "test"}, Config: conf.Web, Stations: w.stations, Broker: w.broker,
		Store: w.store, Archive: w.archive, Pictures: w.gallery, Feed: feed, Trials: &fakeTrials{}, Log: log, Cutter: func() Cutter { return w },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.accounts = w.server.accounts
	w.run()
	return w
}

// run serves the page until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for _, run := range []func(context.Context) error{w.server.Run, w.gallery.Run} {
		wait.Go(func() {
			if err := run(ctx); err != nil {
				w.t.Error(err)
			}
		})
	}
	w.t.Cleanup(func() {
		cancel()
		wait.Wait()
		if err := errors.Join(w.archive.Close(), w.store.Close()); err != nil {
			w.t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case <-w.server.Ready():
	case <-time.After(30 * time.Second):
		w.t.Fatal("the page is not served")
	}
	w.url = strings.TrimSuffix(w.server.URL(), "/")
}

// users makes the users of [roles], with hashes that cost little to check.
func (w *world) users() {
	w.t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		w.t.Fatal(err)
	}
	var list struct {
		Users []account.User `json:"users"`
	}
	for name, role := range roles {
		list.Users = append(list.Users, account.User{Name: name, Role: role, Hash: string(hash), Created: time.Now()})
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = os.WriteFile(w.accounts.Path(), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// decide has a station judge a picture, and waits until it is in the archive.
func (w *world) decide(station string, kind verdict.Kind, score float64) *verdict.Verdict {
	w.t.Helper()
	w.sequence++
	now := time.Now()
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: station, Sequence: w.sequence,
		Trigger: &verdict.Trigger{ID: fmt.Sprint("t", w.sequence), Part: fmt.Sprint("A-", w.sequence)},
		Verdict: kind, Threshold: number(0.5), Regions: []verdict.Region{}, Model: "sha256:aa", Config: "sha256:bb", Provider: "cpu",
		Time: verdict.Times{
			Captured: verdict.Time{Time: now.Add(-80 * time.Millisecond)}, Decided: verdict.Time{Time: now},
			Clock: verdict.Synchronised, Exposure: verdict.Measured,
		},
		StagesMS: verdict.Stages{Wait: 1, Prepare: 2, Restore: 70, Score: 3},
	}
	if kind != verdict.NoRead {
		v.Score = number(score)
	} else {
		v.Reason, v.Threshold = verdict.NoFrame, nil
	}
	if kind == verdict.Fail {
		v.Regions = []verdict.Region{{X: 5, Y: 6, W: 7, H: 8, Area: 40, Peak: score, Structure: 0.9, Colour: 0.1}}
	}
	v.Inspected = w.inspected
	key, err := w.store.Commit(context.Background(), v)
	if err != nil {
		w.t.Fatal(err)
	}
	if kind == verdict.NoRead {
		w.gallery.Show(v, key, nil, func() *inspect.Look { return nil })
		return v
	}
	w.show(v, key)
	w.until("the picture of "+v.ID+" is kept", func() bool {
		f, err := w.store.Verdict(context.Background(), v.ID)
		return err == nil && f.Picture != nil
	})
	return v
}

// show shows a verdict with a picture of 64x48, of which the middle was judged.
func (w *world) show(v *verdict.Verdict, key int64) {
	f := &camera.Frame{Picture: gocv.NewMatWithSize(48*w.scale, 64*w.scale, gocv.MatTypeCV8UC3)}
	kept := w.gallery.Show(v, key, f, func() *inspect.Look {
		const n = 16
		l := inspect.Look{W: n, H: n, Map: make([]float32, n*n), Restored: make([]float32, 3*n*n)}
		l.Field.Min.X, l.Field.Min.Y, l.Field.Max.X, l.Field.Max.Y = 8, 8, 40, 40
		l.Map[5] = 1
		return &l
	})
	if !kept {
		_ = f.Picture.Close()
	}
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within 30s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Cut implements Cutter: station cap has one region, lid has two.
func (w *world) Cut(station string, picture []byte, each func(region string, tile int, png []byte) error) error {
	if station == "cap" {
		return each("", 0, picture)
	}
	return errors.Join(each("left", 0, picture), each("right", 0, picture))
}

// Close implements Cutter; the world stays.
func (w *world) Close() error { return nil }
