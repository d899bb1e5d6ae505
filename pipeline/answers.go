package pipeline

import (
	"sync"
	"time"

	"faird/verdict"
)

// answers remembers for [remember] which trigger ids came and how they were
// answered, so that a redelivery is answered with the same verdict.
type answers struct {
	mu    sync.Mutex
	byID  map[string]*answer
	order []*answer // by time of arrival, oldest first
}

type answer struct {
	id      string
	came    time.Time
	verdict *verdict.Verdict // nil while the judgement is under way
}

func newAnswers() *answers { return &answers{byID: map[string]*answer{}} }

// begin notes that a trigger came. For an id that came before it reports known,
// and the verdict if there is one yet. A trigger without an id is always new.
func (a *answers) begin(j *job) (v *verdict.Verdict, known bool) {
	if j.trigger.ID == "" {
		return nil, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(j.received.Add(-remember))
	if old, ok := a.byID[j.trigger.ID]; ok {
		return old.verdict, true
	}
	n := &answer{id: j.trigger.ID, came: j.received}
	a.byID[n.id] = n
	a.order = append(a.order, n)
	return nil, false
}

// put notes how a trigger was answered.
func (a *answers) put(j *job, v *verdict.Verdict) {
	if j.trigger == nil || j.trigger.ID == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.byID[j.trigger.ID]; ok {
		n.verdict = v
	}
}

func (a *answers) forget(before time.Time) {
	n := 0
	for n < len(a.order) && a.order[n].came.Before(before) {
		delete(a.byID, a.order[n].id)
		n++
	}
	a.order = a.order[n:]
}
