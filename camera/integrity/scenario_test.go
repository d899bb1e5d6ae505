package integrity

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"faird/camera"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
)

// scenario is one stream and what happens to it.
type scenario struct {
	name   string
	serve  func(t *testing.T, sc scenario, clips []*clip, j *judge) server
	clips  []spec // streamed one after the other under one URL
	joined bool   // as one stream, that changes on the way
	udp    bool
	damage impairment // to datagrams
	tcp    tcpFault
	parts  partFault // HTTP
	least  float64   // share of the images that must be judged or dropped for a newer one
	each   bool      // something of every clip must be judged
	lax    bool      // measured only
	table  cell      // where its share goes
}

// server streams the clips of a scenario.
type server struct {
	url   string
	done  *atomic.Bool // nothing more will come
	event func() string
}

// run streams a scenario to a camera and returns what became of its images.
func (sc scenario) run(t *testing.T) *tally {
	clips := make([]*clip, 0, len(sc.clips))
	images := int64(0)
	for _, s := range sc.clips {
		clips = append(clips, library.get(t, s))
		images += int64(s.images)
	}
	j := newJudge(t, clips)
	j.lax = sc.lax
	j.sent = func() int64 { return images }
	s := sc.serve(t, sc, clips, j)
	cam := start(t, s.url)
	watch(t, cam, j, s)
	j.tally.sent = int(j.sent())
	j.tally.dropped = int(cam.Status().Dropped)
	if !sc.lax {
		sc.check(t, j)
	}
	t.Logf("%v; %s", &j.tally, s.event())
	return &j.tally
}

// start runs a camera until the test ends.
func start(t *testing.T, url string) *camera.Camera {
	t.Helper()
	cam, err := camera.Open(config.Camera{
		URL: url, OpenTimeout: 5 * time.Second, ReadTimeout: 1500 * time.Millisecond,
		BackoffMin: 20 * time.Millisecond, BackoffMax: 100 * time.Millisecond,
	}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- cam.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return cam
}

// watch takes frames until nothing more comes and the camera has noticed.
func watch(t *testing.T, cam *camera.Camera, j *judge, s server) {
	t.Helper()
	var over time.Time
	for begin := time.Now(); time.Since(begin) < 3*patience && (over.IsZero() || time.Since(over) < patience); {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		f, err := cam.Next(ctx, time.Time{})
		cancel()
		done := s.done.Load()
		switch {
		case err == nil:
			j.see(f)
			f.Release()
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatal(err)
		case done && !cam.Status().Connected:
			return
		}
		if done && over.IsZero() {
			over = time.Now()
		}
	}
	t.Errorf("the stream has not ended, or the camera has not noticed: %+v", cam.Status())
}

func (sc scenario) check(t *testing.T, j *judge) {
	t.Helper()
	c := &j.tally
	if c.different > 0 {
		t.Errorf("%d of %d judged images differ from the loss-free decode", c.different, c.judged+c.different+c.repeated)
	}
	if c.repeated > 0 {
		t.Errorf("%d images were judged again", c.repeated)
	}
	if got := float64(c.judged+c.dropped) / float64(c.sent); got < sc.least {
		t.Errorf("%.1f%% of %d images came through, want %.0f%%", 100*got, c.sent, 100*sc.least)
	}
	if !sc.each {
		return
	}
	of := map[uint8]int{}
	for n := range j.seen {
		of[n.clip]++
	}
	for id, clip := range j.clips {
		if of[id] == 0 {
			t.Errorf("nothing of %v was judged", clip)
		}
	}
}

func (c *tally) String() string {
	text := fmt.Sprintf("%d images, judged %d, different %d, repeated %d, faults %v, dropped %d, never seen %d",
		c.sent, c.judged, c.different, c.repeated, c.faults, c.dropped, max(0, c.sent-c.judged-c.different-c.dropped-c.faulty()))
	for _, reason := range c.reasons {
		text += fmt.Sprintf("; %q", reason)
	}
	if c.worst > 0 {
		text += fmt.Sprintf("; good ones differ by up to %.2f", c.worst)
	}
	return text
}

// faulty is how many frames were handed out with a fault.
func (c *tally) faulty() (sum int) {
	for _, n := range c.faults {
		sum += n
	}
	return sum
}

// share of the images that were judged.
func (c *tally) share() float64 { return float64(c.judged) / float64(max(1, c.sent)) }

func (c *tally) add(o *tally) {
	c.sent += o.sent
	c.judged += o.judged
	c.different += o.different
	c.repeated += o.repeated
	c.dropped += o.dropped
	for kind, n := range o.faults {
		if c.faults == nil {
			c.faults = map[verdict.Check]int{}
		}
		c.faults[kind] += n
	}
}
