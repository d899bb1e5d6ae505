package infer

import (
	"cmp"
	"slices"
)

// Split is how the cores are shared among runs of one session: so many threads
// in its pool for work within a run, and the runs at a time with which these
// fill the cores but do not exceed them. A run's own thread is one of its
// pool's, so lanes runs keep threads - 1 + lanes cores busy.
type Split struct {
	Threads int `json:"threads"`
	Lanes   int `json:"lanes"`
}

// splitFor is the split that threads in a pool leave: 0 is one for each core,
// one run at a time.
func splitFor(threads, cores int) Split {
	if threads <= 0 {
		threads = cores
	}
	return Split{Threads: threads, Lanes: max(1, cores-threads+1)}
}

// weight is how many cores a run counts for.
func (s Split) weight(cores int) int { return max(1, cores/s.Lanes) }

// splits are those worth trying on so many cores: 1, 2, 4, ... lanes and as many
// as there are cores.
func splits(cores int) []Split {
	var all []Split
	for lanes := 1; lanes < cores; lanes *= 2 {
		all = append(all, Split{Threads: cores - lanes + 1, Lanes: lanes})
	}
	return append(all, Split{Threads: 1, Lanes: cores})
}

// Rate is what a split was measured to do.
type Rate struct {
	Split
	Alone float64 `json:"alone"` // runs a second, one at a time
	Full  float64 `json:"full"`  // runs a second of all lanes together
}

// of is what so many stations get together.
func (r Rate) of(stations int) float64 {
	if stations <= 1 {
		return r.Alone
	}
	return min(r.Full, float64(stations)*r.Alone)
}

// nearly is how much of the largest throughput is given for a picture's being
// done sooner.
const nearly = 0.97

// bestOf takes the split with which stations judge most pictures a second
// together; of those that are nearly as good, the one in which a picture alone
// is done soonest.
func bestOf(rates []Rate, stations int) Split {
	most := slices.MaxFunc(rates, func(a, b Rate) int { return cmp.Compare(a.of(stations), b.of(stations)) }).of(stations)
	var good []Rate
	for _, r := range rates {
		if r.of(stations) >= nearly*most {
			good = append(good, r)
		}
	}
	return slices.MaxFunc(good, func(a, b Rate) int { return cmp.Compare(a.Alone, b.Alone) }).Split
}
