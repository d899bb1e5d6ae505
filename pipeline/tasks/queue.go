package tasks

import "sync"

// Queue runs functions that may take long, such as the destructors of a C
// library, in the order in which they were added, one at a time and never on the
// goroutine that adds them. Its own goroutine lives as long as there is something
// to do. A nil Queue runs them at once.
type Queue struct {
	group *Group

	mu      sync.Mutex // guards what follows
	todo    []func()
	working bool
}

// NewQueue makes an empty queue whose functions are tasks of g from the moment
// that they are added.
func NewQueue(g *Group) *Queue { return &Queue{group: g} }

// Add appends f and returns at once.
func (q *Queue) Add(name string, f func()) {
	if q == nil {
		f()
		return
	}
	end := q.group.Begin(name)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.todo = append(q.todo, func() {
		defer end()
		f()
	})
	if !q.working {
		q.working = true
		go q.work()
	}
}

func (q *Queue) work() {
	for {
		q.mu.Lock()
		if len(q.todo) == 0 {
			q.todo, q.working = nil, false
			q.mu.Unlock()
			return
		}
		f := q.todo[0]
		q.todo = q.todo[1:]
		q.mu.Unlock()
		f()
	}
}
