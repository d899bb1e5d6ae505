package train

import (
	"context"
	"errors"
	"sync"
)

// ahead is how many batches are made before they are asked for.
const ahead = 3

// feed keeps the training fed: workers make samples ahead of time, batches come
// out in order. Who starts it closes it.
type feed struct {
	batch    int
	samplers []*sampler
	free     chan *load
	ready    chan *load
	jobs     chan job
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// load is a batch being made.
type load struct {
	x, y    []float32
	pending sync.WaitGroup
	mu      sync.Mutex
	err     error
}

type job struct {
	load  *load
	slot  int
	index uint64
}

// startFeed starts workers that make batches from the given step on.
func startFeed(s source, batch, workers, step int) (*feed, error) {
	f := &feed{
		batch: batch,
		free:  make(chan *load, ahead), ready: make(chan *load, ahead), jobs: make(chan job),
	}
	for range workers {
		m, err := newSampler(s)
		if err != nil {
			return nil, errors.Join(err, f.closeSamplers())
		}
		f.samplers = append(f.samplers, m)
	}
	for range ahead {
		f.free <- &load{
			x: make([]float32, batch*s.filter.Channels()*s.h*s.w),
			y: make([]float32, batch*3*s.h*s.w),
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.work.Go(func() { f.hand(ctx, step) })
	for _, m := range f.samplers {
		f.work.Go(func() { f.serve(m) })
	}
	return f, nil
}

// hand gives out the samples of one step after the other.
func (f *feed) hand(ctx context.Context, step int) {
	defer close(f.jobs)
	for ; ; step++ {
		var l *load
		select {
		case l = <-f.free:
		case <-ctx.Done():
			return
		}
		l.pending.Add(f.batch)
		f.ready <- l // never blocks: there are no more loads than places
		for slot := range f.batch {
			select {
			case f.jobs <- job{l, slot, uint64(step)*uint64(f.batch) + uint64(slot)}:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (f *feed) serve(m *sampler) {
	for j := range f.jobs {
		nx, ny := len(j.load.x)/f.batch, len(j.load.y)/f.batch
		err := m.make(j.index, j.load.x[j.slot*nx:(j.slot+1)*nx], j.load.y[j.slot*ny:(j.slot+1)*ny])
		j.load.fail(err)
		j.load.pending.Done()
	}
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// Next implements fit.Batches. A batch takes some milliseconds to make and
// making it cannot hang, so that ctx is only looked at between batches.
func (f *feed) Next(ctx context.Context, _ int, x, y []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := <-f.ready
	l.pending.Wait()
	if l.err != nil {
		return l.err
	}
	copy(x, l.x)
	copy(y, l.y)
	f.free <- l
	return nil
}

// Close stops the workers, waits for them, and frees their buffers.
func (f *feed) Close() error {
	f.stop()
	f.work.Wait()
	return f.closeSamplers()
}

func (f *feed) closeSamplers() error {
	var err error
	for _, m := range f.samplers {
		err = errors.Join(err, m.close())
	}
	return err
}
