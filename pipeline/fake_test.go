package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/pipeline/vetting"
	"faird/publish"
	"faird/publish/handshake"
	"faird/verdict"
)

func TestMain(m *testing.M) {
	vetting.BeChild()
	goleak.VerifyTestMain(m)
}

// fakeSource is a camera whose every picture the test decides.
type fakeSource struct {
	every  bool
	frames chan *camera.Frame // closed: the source has ended

	mu     sync.Mutex
	status camera.Status
}

func newFakeSource() *fakeSource {
	return &fakeSource{frames: make(chan *camera.Frame, 100), status: camera.Status{Connected: true}}
}

func (s *fakeSource) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (s *fakeSource) Every() bool                   { return s.every }

func (s *fakeSource) Status() camera.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *fakeSource) lose(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = camera.Status{Err: why, Failed: true}
}

func (s *fakeSource) Next(ctx context.Context, after time.Time) (*camera.Frame, error) {
	for {
		select {
		case f, ok := <-s.frames:
			if !ok {
				return nil, errEnd
			}
			if f.Captured.After(after) {
				return f, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// show gives the camera a picture taken now.
func (s *fakeSource) show(n uint64) {
	s.mu.Lock()
	s.status.Frames++
	s.mu.Unlock()
	s.frames <- &camera.Frame{Captured: time.Now(), Exposure: verdict.Measured, Sequence: n, Source: fmt.Sprint(n)}
}

// fakeInspector gives every picture one score, after a while if the test says so.
type fakeInspector struct {
	score  float64
	err    error
	hold   chan struct{} // when not nil, Inspect waits until it is closed
	began  chan struct{} // when not nil, told when Inspect begins
	closed chan struct{}
}

func (i *fakeInspector) Inspect(ctx context.Context, _ gocv.Mat, _ *float64, r *inspect.Result) error {
	if i.began != nil {
		i.began <- struct{}{}
	}
	if i.hold != nil {
		<-i.hold
	}
	r.Score = i.score
	return i.err
}

func (i *fakeInspector) Close() error {
	close(i.closed)
	return nil
}

// fakeLedger keeps verdicts in memory.
type fakeLedger struct {
	mu       sync.Mutex
	verdicts []*verdict.Verdict
	refuses  error
	last     uint64
}

func (l *fakeLedger) Commit(_ context.Context, v *verdict.Verdict) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses != nil {
		return 0, l.refuses
	}
	l.verdicts = append(l.verdicts, v)
	return int64(len(l.verdicts)), nil
}

func (l *fakeLedger) Answered(_ context.Context, station, id string) (*verdict.Verdict, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.verdicts {
		if v.Station == station && v.Trigger != nil && v.Trigger.ID == id && v.Reason != verdict.InvalidTrigger {
			return v, nil
		}
	}
	return nil, nil
}

func (l *fakeLedger) LastSequence(context.Context, string) (uint64, error) { return l.last, nil }

// fakeOutlet hands verdicts to the test.
type fakeOutlet struct {
	verdicts chan *verdict.Verdict
	repeats  chan *verdict.Verdict

	handshakes chan handshake.Status // nil: nobody looks
}

func (o *fakeOutlet) Verdict(v *verdict.Verdict, _ int64)            { o.verdicts <- v }
func (o *fakeOutlet) Repeat(v *verdict.Verdict)                      { o.repeats <- v }
func (o *fakeOutlet) SetStation(name string, s publish.StationState) {}

func (o *fakeOutlet) SetHandshake(_ string, s *publish.HandshakeState) {
	if o.handshakes != nil && s != nil {
		o.handshakes <- s.Status
	}
}

// rig is a station with everything around it under the test's control.
type rig struct {
	*Station
	t         *testing.T
	source    *fakeSource
	inspector *fakeInspector
	ledger    *fakeLedger
	outlet    *fakeOutlet
	stop      func() // ends the station and waits
}

const deadline = 300 * time.Millisecond

// newRig starts a station; change, where not nil, alters it before it runs.
func newRig(t *testing.T, mode string, change func(*rig)) *rig {
	t.Helper()
	r := &rig{
		t:         t,
		source:    newFakeSource(),
		inspector: &fakeInspector{score: 0.1, closed: make(chan struct{})},
		ledger:    &fakeLedger{},
		outlet:    &fakeOutlet{verdicts: make(chan *verdict.Verdict, 100), repeats: make(chan *verdict.Verdict, 100)},
	}
	c := config.Station{Name: "cap", Trigger: config.Trigger{Mode: mode, Deadline: deadline, Interval: deadline}}
	c.Camera.ReadTimeout = deadline
	r.Station = newStation(c, "sha256:c", r.source, Thresholds{Threshold: 0.2}, Deps{
		Site: "plant1", Box: "edge7", Folder: t.TempDir(), Ledger: r.ledger, Outlet: r.outlet, Log: zerolog.Nop(),
		Clock: func() verdict.Clock { return verdict.Synchronised },
	})
	if change != nil {
		change(r)
	}
	r.install(r.swap(r.inspector))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the station did not stop")
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *rig) swap(i *fakeInspector) swap {
	return swap{inspector: i, release: func() {}, limits: Thresholds{Threshold: 0.2}, view: view{model: "sha256:m", provider: "cpu"}}
}

// verdict waits for the next verdict.
func (r *rig) verdict() *verdict.Verdict {
	r.t.Helper()
	select {
	case v := <-r.outlet.verdicts:
		return v
	case <-time.After(10 * time.Second):
		r.t.Fatal("no verdict came")
		return nil
	}
}

// silent fails if a verdict comes within d.
func (r *rig) silent(d time.Duration) {
	r.t.Helper()
	select {
	case v := <-r.outlet.verdicts:
		r.t.Fatalf("an unexpected verdict came: %s %s %s", v.Verdict, v.Reason, v.Detail)
	case <-time.After(d):
	}
}

func trigger(id string) publish.Trigger {
	return publish.Trigger{ID: id, Part: "A-" + id, Received: time.Now()}
}

var errDisk = errors.New("no space left on device")
