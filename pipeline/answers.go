package pipeline

import (
	"sync"
	"time"

	"faird/verdict"
)

// answers remembers for [remember] which triggers came and how they were
// answered, so that a redelivery is answered with the same verdict. An id
// belongs to the part that it came with first.
type answers struct {
	mu    sync.Mutex
	byID  map[string]*answer
	order []*answer // by time of arrival, oldest first
}

type answer struct {
	trigger verdict.Trigger
	came    time.Time
	verdict *verdict.Verdict // nil while the judgement is under way
}

func newAnswers() *answers { return &answers{byID: map[string]*answer{}} }

// begin notes that a trigger came, whose answer put notes in turn. For an id
// that came before it reports known, and what is known. A trigger without an id
// is always new.
func (a *answers) begin(j *job) (first answer, known bool) {
	if j.trigger.ID == "" {
		return answer{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(j.received.Add(-remember))
	if old, ok := a.byID[j.trigger.ID]; ok {
		return *old, true
	}
	j.answer = &answer{trigger: *j.trigger, came: j.received}
	a.byID[j.trigger.ID] = j.answer
	a.order = append(a.order, j.answer)
	return answer{}, false
}

// put notes how a trigger was answered, if begin found it new.
func (a *answers) put(j *job, v *verdict.Verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if j.answer != nil {
		j.answer.verdict = v
	}
}

// restore puts an older verdict on the id in the place of what begin has noted.
func (a *answers) restore(j *job, v *verdict.Verdict) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := j.answer
	j.answer = nil
	first.trigger, first.verdict = *v.Trigger, v
	return *first
}

func (a *answers) forget(before time.Time) {
	n := 0
	for n < len(a.order) && a.order[n].came.Before(before) {
		delete(a.byID, a.order[n].trigger.ID)
		n++
	}
	a.order = a.order[n:]
}
