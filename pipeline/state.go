package pipeline

import (
	"fmt"
	"sync/atomic"

	"faird/camera"
	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// counts are the station's figures since it started.
type counts struct {
	pass, fail, review, noRead atomic.Uint64
	skipped                    atomic.Uint64 // interval ticks that passed while busy
	tooLate                    atomic.Uint64 // judged, but the deadline's answer came first
	lost                       atomic.Uint64 // triggers dropped because the inbox was full
	notDurable                 atomic.Uint64 // verdicts that the disk refused
	refusing                   atomic.Bool   // the disk refused the newest verdict
}

func (c *counts) add(k verdict.Kind) {
	switch k {
	case verdict.Pass:
		c.pass.Add(1)
	case verdict.Fail:
		c.fail.Add(1)
	case verdict.Review:
		c.review.Add(1)
	default:
		c.noRead.Add(1)
	}
}

// storage notes how a commit went; it reports true when refusals begin.
func (c *counts) storage(err error) (begins bool) {
	if err != nil {
		c.notDurable.Add(1)
	}
	return !c.refusing.Swap(err != nil) && err != nil
}

// why says why the station cannot judge, or "".
func (s *Station) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// adopt notes which config is in force; camera and trigger are the ones that
// the station began with.
func (s *Station) adopt(c config.Station, hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = hash
	s.onStorage = c.OnStorage
}

// settled reports whether it is known if the station is ready: the model is in
// place or broken, and the camera has given a frame or has failed to.
func (s *Station) settled() bool {
	st := s.source.Status()
	return s.why() != "" || s.ended.Load() || st.Connected || st.Failed
}

// notReady says why the station is not ready for a trigger now, or "".
func (s *Station) notReady() string {
	st := s.source.Status()
	why := s.why()
	switch who := s.paused.Load(); {
	case why != "":
		return why
	case who != nil:
		return "paused by " + *who
	case s.inbox.isClosed():
		return "the station is being stopped"
	case s.ended.Load():
		return "the source has ended"
	case !st.Connected:
		return fmt.Sprintf("camera: %s", st.Err)
	default:
		return ""
	}
}

// State is how the station is now.
func (s *Station) State() publish.StationState {
	st := s.source.Status()
	why := s.notReady()
	limits := s.limits.Load()
	s.mu.Lock()
	view := s.view
	s.mu.Unlock()
	threshold, origin := &limits.Threshold, limits.Origin
	if origin == fromRegions || origin == "" {
		threshold, origin = nil, ""
	}
	return publish.StationState{
		Ready:  why == "",
		Why:    why,
		Paused: s.paused.Load() != nil,
		Camera: publish.CameraState{
			Connected: st.Connected, Since: verdict.Time{Time: st.Since}, Error: st.Err,
			Width: st.Width, Height: st.Height, FPS: st.FPS,
		},
		Model:         view.model,
		Provider:      view.provider,
		Trigger:       s.conf.Trigger.Mode,
		Threshold:     threshold,
		ThresholdFrom: origin,
		Review:        limits.Review,
		Counts:        s.counts.figures(st),
		Drift:         s.charts.Load().alarms(),
	}
}

// figures are the counts as the state tells them.
func (c *counts) figures(st camera.Status) publish.Counts {
	return publish.Counts{
		Pass: c.pass.Load(), Fail: c.fail.Load(), Review: c.review.Load(), NoRead: c.noRead.Load(),
		Frames: st.Frames, Dropped: st.Dropped + c.skipped.Load(),
		TooLate: c.tooLate.Load(), Lost: c.lost.Load(), NotDurable: c.notDurable.Load(),
		Faults: st.Faults,
	}
}

// Summary is the box in one line, for systemctl status.
func (b *Box) Summary() string {
	all := b.all()
	ready := 0
	var first string
	for _, r := range all {
		if why := r.notReady(); why == "" {
			ready++
		} else if first == "" {
			first = fmt.Sprintf("; %s: %s", r.name, why)
		}
	}
	return fmt.Sprintf("%d of %d stations ready%s", ready, len(all), first)
}

// States is how every station is now, by name; those being started too.
func (b *Box) States() map[string]publish.StationState {
	states := b.starting()
	for _, r := range b.all() {
		states[r.name] = r.State()
	}
	return states
}

// Announce tells the outlet how every station is.
func (b *Box) Announce() {
	for _, r := range b.all() {
		b.deps.Outlet.SetStation(r.name, r.State())
		r.shake.ready(r.notReady())
	}
}
