package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"faird/camera"
	"faird/config/redact"
	"faird/inspect"
	"faird/verdict"
)

// errEnd is how a source says that it has given its last picture.
var errEnd = io.EOF

// bench is what the judging loop works with; nobody else touches it.
type bench struct {
	current swap
	result  inspect.Result
	lastGot time.Time // when a frame last came, or the loop began
}

// work is the judging loop. Every turn waits at most [turn], judges at most one
// frame, and feeds the watchdog.
func (s *Station) work(ctx context.Context) error {
	loop := s.deps.Watchdog.Loop("station "+s.name, turnDeadline)
	defer loop.Close()
	b := &bench{lastGot: time.Now()}
	defer s.leave(b)
	take := s.freeRun
	switch s.conf.Trigger.Mode {
	case "mqtt", "change", "hardware":
		take = s.onTrigger
	case "interval":
		take = s.onInterval(time.Now())
	}
	for ctx.Err() == nil {
		loop.Turn()
		s.swapIn(b)
		if !s.ready() {
			s.idle(ctx, b)
			continue
		}
		take(ctx, b)
	}
	return nil
}

// leave answers a job that was not begun and gives back every inspector.
func (s *Station) leave(b *bench) {
	s.refuseWaiting()
	b.current.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	select {
	case w := <-s.next:
		w.close()
	default:
	}
}

// swapIn takes a new inspector, if one is waiting, between two frames.
func (s *Station) swapIn(b *bench) {
	select {
	case w := <-s.next:
		b.current.close()
		b.current = w
		s.limits.Store(&w.limits)
		s.charts.Store(newCharts(w.drift, w.calibrated, s.log))
	default:
	}
}

// ready reports whether the station may judge now.
func (s *Station) ready() bool {
	if s.paused.Load() != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken == ""
}

// idle spends a turn without judging; what is triggered meanwhile is answered
// by the receiving loop.
func (s *Station) idle(ctx context.Context, b *bench) {
	b.lastGot = time.Now()
	sleep(ctx, turn/5)
}

// freeRun judges the freshest frame, as fast as frames and network allow. A
// camera that gives nothing for its read time-out gets one no_read per outage.
func (s *Station) freeRun(ctx context.Context, b *bench) {
	if s.ended.Load() {
		sleep(ctx, turn)
		return
	}
	wait, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	f, err := s.source.Next(wait, time.Time{})
	switch {
	case err == nil:
		defer s.release(f)
		b.lastGot = time.Now()
		s.outage.Store(false)
		if s.passesBy() {
			return
		}
		s.deliver(nil, s.inspect(ctx, b, f), f)
	default:
		s.missed(ctx, err, b.lastGot)
	}
}

// passesBy reports whether the frame just got is not to be judged: the station was
// paused while it waited for it. Who brought a picture, or gives each but once,
// gets its verdict.
func (s *Station) passesBy() bool {
	return s.paused.Load() != nil && !s.source.Every() && !s.source.Status().OnCall
}

// uncalled reports whether the source lives and nothing has asked it for a
// picture, which is no outage: no part passed the camera's trigger line, nobody
// brought a picture.
func (s *Station) uncalled() bool {
	st := s.source.Status()
	return st.OnCall && st.Connected
}

// patience is how long free run waits for a frame before it calls it an outage:
// as long as a camera may take for one, or to open where it has not yet.
func (s *Station) patience() time.Duration {
	st := s.source.Status()
	if st.Connected || st.Failed {
		return max(s.conf.Camera.ReadTimeout, turn)
	}
	return s.conf.Camera.OpenTimeout + s.conf.Camera.ReadTimeout
}

// onTrigger judges one frame exposed after the trigger.
func (s *Station) onTrigger(ctx context.Context, b *bench) {
	select {
	case j := <-s.busy:
		if j.claimed.Load() {
			j.drop()
			return
		}
		s.answerJob(ctx, b, j)
	case <-time.After(turn):
	case <-ctx.Done():
	}
}

// onInterval judges one frame exposed after every tick. Ticks that pass while
// the station is busy are skipped and counted as dropped.
func (s *Station) onInterval(start time.Time) func(context.Context, *bench) {
	every := s.conf.Trigger.Interval
	due := start
	return func(ctx context.Context, b *bench) {
		if d := time.Until(due); d > 0 {
			sleep(ctx, min(d, turn))
			return
		}
		now := time.Now()
		if late := now.Sub(due) / every; late > 0 {
			s.counts.skipped.Add(uint64(late))
			due = due.Add(late * every)
		}
		due = due.Add(every)
		s.answerJob(ctx, b, newJob(nil, now, s.conf.Trigger.Deadline))
	}
}

// answerJob gets the job's frame, unless it has one, and judges it.
func (s *Station) answerJob(ctx context.Context, b *bench, j *job) {
	if f := j.frame; f != nil {
		defer s.release(f)
		s.deliver(j, s.inspect(ctx, b, f), f)
		return
	}
	wait, cancel := context.WithDeadline(ctx, j.deadline.Add(-margin(s.conf.Trigger.Deadline)))
	defer cancel()
	f, err := s.source.Next(wait, j.received)
	if ctx.Err() != nil && err != nil {
		s.deliver(j, s.noRead(verdict.Stopping, "the daemon is going down"), nil)
		return
	}
	if err != nil {
		s.deliver(j, s.noFrame(err), nil)
		return
	}
	defer s.release(f)
	s.deliver(j, s.inspect(ctx, b, f), f)
}

// noFrame is the verdict on a picture that did not come.
func (s *Station) noFrame(err error) *verdict.Verdict {
	if errors.Is(err, errEnd) {
		s.ended.Store(true)
	}
	st := s.source.Status()
	if !st.Connected {
		return s.noRead(verdict.CameraLost, st.Err)
	}
	return s.noRead(verdict.NoFrame, fmt.Sprintf("no picture came: %v", err))
}

// inspect judges one frame. The frame in hand is finished even when the daemon
// is told to stop.
func (s *Station) inspect(ctx context.Context, b *bench, f *camera.Frame) *verdict.Verdict {
	s.swapIn(b) // one that came while the loop waited for this frame: its state is out
	start := time.Now()
	v := s.blank()
	v.Model, v.Provider = b.current.view.model, b.current.view.provider
	v.Time.Captured = verdict.Time{Time: f.Captured}
	v.Time.Exposure = f.Exposure
	v.Source = f.Source
	if f.Err != nil {
		return invalid(v, f.Err)
	}
	s.deps.lane.begin()
	defer s.deps.lane.end()
	limits := s.limits.Load()
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	defer cancel()
	s.sight.inspector, _ = b.current.inspector.(looker)
	err := b.current.inspector.Inspect(work, f.Picture, limits.Level(), &b.result)
	switch {
	case errors.Is(err, inspect.ErrPicture):
		return invalid(v, err)
	case err != nil:
		s.log.Error().Err(err).Msg("a picture could not be judged")
		return refuse(v, verdict.Internal, err)
	}
	b.current.fill(v, limits, &b.result)
	s.charts.Load().note(v, &b.result)
	v.StagesMS.Wait += max(0, verdict.Millis(start.Sub(f.Captured)))
	return v
}

func refuse(v *verdict.Verdict, why verdict.Reason, err error) *verdict.Verdict {
	v.Verdict, v.Reason, v.Detail = verdict.NoRead, why, redact.Text(err.Error())
	return v
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
