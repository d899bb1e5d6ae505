package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// entry is a file that has appeared and has neither been given nor refused.
type entry struct {
	name    string
	mark    mark      // as last seen; zero: it was not there
	since   time.Time // when it was last seen to change
	opens   int       // programs that hold it open, as far as the kernel told
	ticket  uint64    // its place in the queue; 0: it waits to be left alone
	at      time.Time // when it counted as complete
	settled bool      // because it was left alone, not because it was closed or moved
	old     bool      // it was found long after it last changed
}

// arrivals are the files that wait: some to be complete, the others to be read,
// in the order in which they were completed.
type arrivals struct {
	limits  limits
	entries map[string]*entry
	queue   []place
	tickets uint64
	missed  bool // one did not fit: the folder must be listed again
}

// place is an entry's turn. It is void when the entry has another ticket by now.
type place struct {
	name   string
	ticket uint64
}

func newArrivals(l limits) *arrivals {
	return &arrivals{limits: l, entries: map[string]*entry{}}
}

// track begins to wait until a file is left alone, or over again.
func (a *arrivals) track(name string, m mark) *entry {
	e := a.entries[name]
	if e == nil {
		if len(a.entries) >= a.limits.waiting {
			a.missed = true
			return &entry{name: name} // known to nobody
		}
		e = &entry{name: name}
		a.entries[name] = e
	}
	*e = entry{name: name, mark: m, since: time.Now()}
	return e
}

// complete gives an entry the last place in the queue, also if it has one: then
// it was replaced.
func (a *arrivals) complete(e *entry, settled bool) {
	if a.entries[e.name] != e {
		return
	}
	a.tickets++
	e.ticket, e.at, e.opens, e.settled = a.tickets, time.Now(), 0, settled
	a.queue = append(a.queue, place{e.name, e.ticket})
}

func (a *arrivals) ready() bool { return len(a.queue) > 0 }

// pop takes out the entry whose turn it is, nil where there is none.
func (a *arrivals) pop() *entry {
	for len(a.queue) > 0 {
		p := a.queue[0]
		a.queue = a.queue[1:]
		if e := a.entries[p.name]; e != nil && e.ticket == p.ticket {
			delete(a.entries, p.name)
			return e
		}
	}
	a.queue = nil
	return nil
}

// due returns entries that have been left alone, oldest first, a batch at most.
func (a *arrivals) due(now time.Time, batch int) (list []*entry) {
	for _, e := range a.entries {
		wait := a.limits.settle
		if e.opens > 0 {
			wait = a.limits.stall
		}
		if e.ticket == 0 && now.Sub(e.since) >= wait {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, byAge)
	return list[:min(len(list), batch)]
}

// completeOld completes the files that need no more waiting, oldest first and
// before those that came since.
func (a *arrivals) completeOld() {
	var list []*entry
	for _, e := range a.entries {
		if e.old && e.ticket == 0 {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, byAge)
	since := a.queue
	a.queue = nil
	for _, e := range list {
		a.complete(e, true)
	}
	a.queue = append(a.queue, since...)
}

func byAge(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.mark.written, b.mark.written), cmp.Compare(a.name, b.name))
}

// drop forgets the files in a folder.
func (a *arrivals) drop(folder string) {
	for name := range a.entries {
		if strings.HasPrefix(name, folder+"/") {
			delete(a.entries, name)
		}
	}
}

// restart has every file wait anew: what the kernel told of them is incomplete.
func (a *arrivals) restart(now time.Time) {
	for _, e := range a.entries {
		if e.ticket == 0 {
			e.opens, e.since = 0, now
		}
	}
}
