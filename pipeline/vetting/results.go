package vetting

import "sync"

const (
	mostAtOnce = 2   // children
	remembered = 256 // models
)

// results are the examinations of a process: those under way, and those that went
// well. One that failed is made again when somebody asks.
type results struct {
	seats chan struct{} // for children

	mu    sync.Mutex // guards known, for lookups only
	known map[key]*examination
}

// key is what an examination is of.
type key struct{ hash, library, version string }

// examination is one of a model.
type examination struct {
	done chan struct{} // closed when it has ended

	// Written before done is closed.
	err error
	cut bool // err is that of the context of who began it
}

// ofProcess are the process's, whose ONNX Runtime is one and the same all the time.
var ofProcess = newResults()

func newResults() *results {
	return &results{seats: make(chan struct{}, mostAtOnce), known: map[key]*examination{}}
}

// claim finds an examination, or begins one.
func (r *results) claim(k key) (e *examination, began bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e = r.known[k]; e != nil && !(e.ended() && e.err != nil) {
		return e, false
	}
	if len(r.known) >= remembered {
		for old, o := range r.known {
			if o.ended() {
				delete(r.known, old)
			}
		}
	}
	e = &examination{done: make(chan struct{})}
	r.known[k] = e
	return e, true
}

func (e *examination) ended() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}
