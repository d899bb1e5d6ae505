package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/oklog/ulid/v2"

	"faird/camera"
	"faird/config/redact"
	"faird/store"
	"faird/verdict"
)

// blank is a verdict of this station with everything but the judgement: a
// no_read too names the model, the limits and the config in force.
func (s *Station) blank() *verdict.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &verdict.Verdict{
		Schema:   verdict.SchemaV1,
		ID:       ulid.Make().String(),
		Site:     s.deps.Site,
		Box:      s.deps.Box,
		Station:  s.name,
		Regions:  []verdict.Region{},
		Time:     verdict.Times{Exposure: verdict.Estimated},
		Model:    s.view.model,
		Config:   s.config,
		Provider: s.view.provider,
	}
	if limits := s.limits.Load(); limits.Origin != fromRegions {
		v.Threshold, v.Review = &limits.Threshold, limits.Review
	}
	return v
}

// noRead is a verdict that says why there is no judgement.
func (s *Station) noRead(why verdict.Reason, detail string) *verdict.Verdict {
	v := s.blank()
	v.Verdict, v.Reason, v.Detail = verdict.NoRead, why, redact.Text(detail)
	return v
}

// deliver decides v: numbers it, makes it durable, and sends it. A job is
// answered once; whoever comes second is counted and dropped, and who brought its
// picture hears the first answer. f, where there is one, still belongs to the caller.
func (s *Station) deliver(j *job, v *verdict.Verdict, f *camera.Frame) {
	if j != nil {
		if !j.claim() {
			s.counts.tooLate.Add(1)
			f.Answer(j.answered())
			return
		}
		defer close(j.done)
		v.Trigger, j.verdict = j.trigger, v
	}
	key := s.decide(j, v)
	s.counts.add(v.Verdict)
	if j != nil {
		s.answers.put(j, v)
	}
	if s.deps.Observe != nil {
		s.deps.Observe(v, f)
	}
	if f != nil {
		s.saving.save(v, f, s.log)
		f.Answer(v)
	}
	if j != nil && j.taken {
		s.shake.inspected(v)
	}
	s.show(v, key, f)
	s.shadow.Load().offer(v, key, f)
}

// decide numbers v, makes it durable and sends it. The two loops of a station
// take turns, so that its verdicts are stored and sent in the order of their
// numbers; who waits does so at the expense of its own patience.
func (s *Station) decide(j *job, v *verdict.Verdict) (key int64) {
	s.deciding.Lock()
	defer s.deciding.Unlock()
	v.Sequence = s.seq.Add(1)
	now := time.Now()
	v.Time.Captured, v.Time.Decided = asOf(now, v.Time.Captured.Time), verdict.Time{Time: now}
	v.Time.Clock = s.deps.Clock()
	key = s.commit(v, j.patience())
	s.deps.Outlet.Verdict(v, key)
	return key
}

// commit makes v durable. While the disk refuses, v goes out with durable false,
// or as no_read storage where the station is configured to refuse too; but not
// where v may be on the disk after all, since a trigger has one answer.
func (s *Station) commit(v *verdict.Verdict, patience time.Duration) (key int64) {
	if s.deps.Ledger == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	v.Durable = true
	key, err := s.deps.Ledger.Commit(ctx, v)
	if s.counts.storage(err) {
		s.log.Error().Err(err).Msg("the disk refuses: verdicts are not durable until it recovers")
	}
	if err == nil {
		return key
	}
	v.Durable = false
	if s.refusesToo() && !errors.Is(err, store.ErrUnsure) {
		v.Score, v.Regions = nil, []verdict.Region{}
		refuse(v, verdict.Storage, err)
	}
	return 0
}

func (s *Station) refusesToo() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onStorage == "no_read"
}
