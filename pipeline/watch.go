package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faird/camera"
	"faird/config"
	"faird/inspect/presence"
	"faird/verdict"
)

// spotter says whether a picture shows that a part is there: it is the trigger.
type spotter func(f *camera.Frame) (part bool, err error)

// spotter makes the station's, nil where its triggers come from elsewhere.
// close gives back what it holds.
func (s *Station) spotter() (spot spotter, close func()) {
	switch s.conf.Trigger.Mode {
	case "hardware":
		return func(*camera.Frame) (bool, error) { return true, nil }, func() {}
	case "change":
		w := presence.NewWatcher(s.conf.Trigger.Change, s.conf.ROI)
		return func(f *camera.Frame) (bool, error) { return s.entered(w, f) }, func() { _ = w.Close() }
	}
	return nil, func() {}
}

// entered reports whether a part has come into the picture.
func (s *Station) entered(w *presence.Watcher, f *camera.Frame) (bool, error) {
	if f.Err != nil {
		return false, f.Err
	}
	e, err := w.Look(f.Picture, f.Captured)
	if e == presence.Absorbed {
		s.log.Warn().Stringer("absorb", s.conf.Trigger.Change.Absorb).Msg("what came into the picture does not go: it counts as background from now on")
	}
	return e == presence.Entered, err
}

// watchedRegion is where a change in the picture is looked for.
func watchedRegion(c config.Station) config.Rect {
	if c.Trigger.Mode != "change" || c.Trigger.Change.Region.W > 0 || c.ROI == nil {
		return c.Trigger.Change.Region
	}
	return *c.ROI
}

// watch is the loop of a station whose pictures are its triggers. It takes every
// picture, so that none is missed while another is judged, and hands those that
// show a part to the receiving loop.
func (s *Station) watch(ctx context.Context, spot spotter) error {
	loop := s.deps.Watchdog.Loop("pictures of "+s.name, turnDeadline)
	defer loop.Close()
	got := time.Now()
	var due *job // a part has come, its picture is not due yet
	for ctx.Err() == nil {
		loop.Turn()
		f, err := s.nextFrame(ctx)
		switch {
		case err == nil:
			got = time.Now()
			due = s.look(ctx, spot, f, due)
		case s.ready():
			s.missed(ctx, err, got)
		default:
			got = time.Now()
		}
		if err != nil && due != nil && time.Until(due.deadline) < margin(s.conf.Trigger.Deadline) {
			s.deliver(due, s.noFrame(err), nil)
			due = nil
		}
	}
	if due != nil {
		s.deliver(due, s.noRead(verdict.Stopping, "the daemon is going down"), nil)
	}
	return nil
}

// nextFrame is the newest picture, or why none came within a turn.
func (s *Station) nextFrame(ctx context.Context) (*camera.Frame, error) {
	wait, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	if s.ended.Load() {
		<-wait.Done()
		return nil, errEnd
	}
	return s.source.Next(wait, time.Time{})
}

// look takes a picture: it is given back, or becomes the trigger of a part that
// it shows, or the picture of the part that is due.
func (s *Station) look(ctx context.Context, spot spotter, f *camera.Frame, due *job) *job {
	part, err := spot(f)
	if err != nil {
		defer f.Release()
		return s.unseen(err, f.Captured, due)
	}
	s.outage.Store(false)
	if part {
		if due != nil {
			s.deliver(due, s.noRead(verdict.Overrun, "the next part came before this one's picture was due"), nil)
		}
		due = newJob(nil, f.Captured, s.conf.Trigger.Deadline)
	}
	if due == nil || f.Captured.Sub(due.received) < s.delay() {
		f.Release()
		return due
	}
	due.frame = f
	s.hand(ctx, due)
	return nil
}

// unseen answers for an image that shows nothing, because it must not be judged:
// to the part whose image it was to be, else once for an outage.
func (s *Station) unseen(err error, captured time.Time, due *job) *job {
	if due != nil && captured.Sub(due.received) >= s.delay() {
		s.deliver(due, invalid(s.blank(), err), nil)
		due = nil
	} else if !s.outage.Swap(true) {
		s.deliver(nil, invalid(s.blank(), err), nil)
	}
	return due
}

// delay is from a part's coming to its picture.
func (s *Station) delay() time.Duration {
	if s.conf.Trigger.Mode != "change" {
		return 0
	}
	return s.conf.Trigger.Change.Delay
}

// hand gives a job with its picture to the receiving loop.
func (s *Station) hand(ctx context.Context, j *job) {
	select {
	case s.parts <- j:
	case <-ctx.Done():
		s.deliver(j, s.noRead(verdict.Stopping, "the daemon is going down"), nil)
		j.drop()
	}
}

// arrive answers a part that cannot be judged now, or returns the job that the
// judging loop has taken.
func (s *Station) arrive(j, inHand *job) *job {
	if v := s.hindrance(j, inHand); v != nil {
		s.deliver(j, v, nil)
		j.drop()
		return nil
	}
	taken := s.take(j)
	if taken == nil {
		j.drop()
	}
	return taken
}

// drop gives back the picture of a job that was answered without being judged. Who
// brought it hears the answer.
func (j *job) drop() {
	if j.frame != nil {
		j.frame.Answer(j.answered())
		j.frame.Release()
		j.frame = nil
	}
}

// missed notes that no picture came: an outage has one no_read.
func (s *Station) missed(ctx context.Context, err error, since time.Time) {
	switch {
	case errors.Is(err, errEnd):
		s.ended.Store(true)
	case ctx.Err() == nil && !s.uncalled() && time.Since(since) > s.patience() && !s.outage.Swap(true):
		s.deliver(nil, s.noFrame(err), nil)
	}
}

// hindrance is the verdict on a part that cannot be judged now, or nil.
func (s *Station) hindrance(j, inHand *job) *verdict.Verdict {
	if who := s.paused.Load(); who != nil {
		return s.noRead(verdict.Paused, "paused by "+*who)
	}
	if why := s.why(); why != "" {
		return s.noRead(verdict.NotReady, why)
	}
	if time.Now().After(j.deadline) {
		return s.noRead(verdict.Late, fmt.Sprintf("it waited past its deadline of %s", s.conf.Trigger.Deadline))
	}
	if inHand != nil && !inHand.claimed.Load() {
		return s.noRead(verdict.Overrun, "the station is still busy with the trigger before")
	}
	return nil
}
