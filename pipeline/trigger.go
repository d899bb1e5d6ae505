package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"faird/camera"
	"faird/publish"
	"faird/verdict"
)

// job asks for one verdict by a deadline. It is answered exactly once: by the
// judging loop, or by the receiving loop when the deadline passes first.
type job struct {
	trigger  *verdict.Trigger // nil for an interval's tick
	received time.Time        // the picture must be exposed after this
	deadline time.Time
	claimed  atomic.Bool
	done     chan struct{}    // closed when the answer is decided
	held     bool             // the PLC takes the trigger back itself: see the handshake
	taken    bool             // by the handshake; set before anybody else sees the job
	frame    *camera.Frame    // the picture that is the trigger; nil where the trigger came from elsewhere
	answer   *answer          // where its verdict is remembered; nil: nowhere
	verdict  *verdict.Verdict // what it was answered with, once done is closed
}

func newJob(t *verdict.Trigger, received time.Time, deadline time.Duration) *job {
	return &job{trigger: t, received: received, deadline: received.Add(deadline), done: make(chan struct{})}
}

// patience is how long the disk may take for the answer, so that a disk that
// hangs does not hold it up past its deadline.
func (j *job) patience() time.Duration {
	if j == nil {
		return commitTimeout
	}
	return min(max(time.Until(j.deadline), commitLeast), commitTimeout)
}

// claim reports whether the caller is the one who answers.
func (j *job) claim() bool { return j.claimed.CompareAndSwap(false, true) }

// answered waits for the verdict of a job that somebody has claimed.
func (j *job) answered() *verdict.Verdict {
	<-j.done
	return j.verdict
}

// remember is how long a trigger's id makes its redelivery harmless.
const remember = 10 * time.Minute

// receive is the loop that owns the triggers of the station: it answers at once
// what cannot be judged, hands one job at a time to the judging loop, and
// answers for it when its deadline passes.
func (s *Station) receive(ctx context.Context) error {
	loop := s.deps.Watchdog.Loop("triggers of "+s.name, turnDeadline)
	defer loop.Close()
	tick := time.NewTicker(turn)
	defer tick.Stop()
	var inHand *job
	expired := time.NewTimer(time.Hour)
	defer expired.Stop()
	for {
		var done <-chan struct{}
		if inHand != nil {
			done = inHand.done
		}
		select {
		case <-s.inbox.ready:
			for _, t := range s.inbox.take() {
				loop.Turn()
				if j := s.sort(t, inHand); j != nil {
					inHand = j
					expired.Reset(time.Until(j.deadline.Add(-margin(s.conf.Trigger.Deadline) / 2)))
				}
			}
		case j := <-s.parts:
			if j = s.arrive(j, inHand); j != nil {
				inHand = j
				expired.Reset(time.Until(j.deadline.Add(-margin(s.conf.Trigger.Deadline) / 2)))
			}
		case <-expired.C:
			s.expire(inHand)
		case <-done:
			inHand = nil
		case <-tick.C:
		case <-ctx.Done():
			s.refuseOpen(inHand)
			return nil
		}
		loop.Turn()
	}
}

// sort answers a trigger that cannot be judged now, or returns the job that the
// judging loop has taken.
func (s *Station) sort(t publish.Trigger, inHand *job) *job {
	if s.shake.level(t) {
		return nil
	}
	j := newJob(&verdict.Trigger{ID: t.ID, Part: t.Part}, t.Received, s.conf.Trigger.Deadline)
	j.held = held(t)
	v, known := s.known(t, j)
	switch {
	case known:
		return nil
	case v == nil:
		v = s.refusal(t, j, inHand)
	}
	if v != nil {
		s.refuse(j, v)
		return nil
	}
	return s.take(j)
}

// refusal is the verdict on a trigger that cannot be judged, or nil.
func (s *Station) refusal(t publish.Trigger, j *job, inHand *job) *verdict.Verdict {
	if s.conf.Trigger.Mode != "mqtt" {
		return s.noRead(verdict.NotReady, fmt.Sprintf("trigger.mode of this station is %q: it does not take triggers", s.conf.Trigger.Mode))
	}
	if age := t.Received.Sub(t.Time); !t.Time.IsZero() && age > s.conf.Trigger.Deadline {
		return s.noRead(verdict.Stale, fmt.Sprintf("the trigger was %s old when it came; the deadline is %s",
			age.Round(time.Millisecond), s.conf.Trigger.Deadline))
	}
	if v := s.hindrance(j, inHand); v != nil {
		return v
	}
	return s.whyNot()
}

// expire answers for a job whose deadline has passed.
func (s *Station) expire(j *job) {
	if j == nil || j.claimed.Load() {
		return
	}
	st := s.source.Status()
	if !st.Connected {
		s.deliver(j, s.noRead(verdict.CameraLost, st.Err), nil)
		return
	}
	s.deliver(j, s.noRead(verdict.Late, fmt.Sprintf("not judged within %s", s.conf.Trigger.Deadline)), nil)
}

// refuseOpen answers whatever is still open when the station stops. A job that
// the judging loop has begun is finished by it.
func (s *Station) refuseOpen(inHand *job) {
	s.refuseWaiting()
	if inHand != nil {
		select {
		case <-inHand.done:
		case <-time.After(workTimeout):
			s.expire(inHand)
		}
	}
	for _, t := range s.inbox.close() {
		s.refuseStopped(t)
	}
	s.shake.ready(s.notReady())
}

// refuseStopped answers a trigger that comes when no loop takes it any more.
func (s *Station) refuseStopped(t publish.Trigger) {
	j := newJob(&verdict.Trigger{ID: t.ID, Part: t.Part}, t.Received, s.conf.Trigger.Deadline)
	v, known := s.known(t, j)
	switch why := s.why(); {
	case known:
	case v != nil:
		s.deliver(j, v, nil)
	case why != "":
		s.deliver(j, s.noRead(verdict.NotReady, why), nil)
	default:
		s.deliver(j, s.noRead(verdict.Stopping, "the station is being stopped"), nil)
	}
}

// refuseWaiting answers the job that the judging loop has not begun, if any.
func (s *Station) refuseWaiting() {
	select {
	case j := <-s.busy:
		s.deliver(j, s.noRead(verdict.Stopping, "the daemon is going down"), nil)
		j.drop()
	default:
	}
}

// known reports whether this trigger came before, and if it was answered
// repeats the answer. One whose judgement is still under way is answered by it.
// A trigger that names nothing, because it cannot be read or because its id is
// another part's, gets the verdict v; the answer to that id stays what it is.
func (s *Station) known(t publish.Trigger, j *job) (v *verdict.Verdict, known bool) {
	if t.Err != nil {
		return s.noRead(verdict.InvalidTrigger, t.Err.Error()), false
	}
	first, known := s.recall(j)
	switch {
	case !known:
		return nil, false
	case first.trigger != *j.trigger:
		return s.noRead(verdict.InvalidTrigger, fmt.Sprintf("trigger: the id %q came with %s within the last %s, now with %s: give each part an id of its own",
			t.ID, partOf(first.trigger), remember, partOf(*j.trigger))), false
	case first.verdict != nil:
		s.deps.Outlet.Repeat(first.verdict)
		s.shake.again(j, first.verdict)
	}
	return nil, true
}

func partOf(t verdict.Trigger) string {
	if t.Part == "" {
		return "no part"
	}
	return fmt.Sprintf("the part %q", t.Part)
}

// recall looks an id up, in memory and then on the disk.
func (s *Station) recall(j *job) (first answer, known bool) {
	first, known = s.answers.begin(j)
	if known || j.trigger.ID == "" || s.deps.Ledger == nil {
		return first, known
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	old, err := s.deps.Ledger.Answered(ctx, s.name, j.trigger.ID)
	if err != nil {
		s.log.Warn().Err(err).Str("trigger", j.trigger.ID).Msg("cannot look up whether this trigger was answered before: judging it")
	}
	if old == nil || old.Trigger == nil {
		return answer{}, false
	}
	return s.answers.restore(j, old), true
}

// margin is how long before the deadline the station stops waiting for a
// picture, so that the answer is out in time.
func margin(deadline time.Duration) time.Duration { return min(deadline/10, 50*time.Millisecond) }
