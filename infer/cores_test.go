package infer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"faird/infer"
)

// However many ask, no more cores are out than there are.
func TestCoresAreNeverOversubscribed(t *testing.T) {
	const cores = 5
	c := infer.NewCores(cores)
	var out, most atomic.Int64
	var wg sync.WaitGroup
	for k := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(k)))
			for range 300 {
				n := 1 + r.IntN(cores)
				if err := c.Take(context.Background(), n); err != nil {
					t.Error(err)
					return
				}
				now := out.Add(int64(n))
				for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
				}
				out.Add(-int64(n))
				c.Give(n)
			}
		})
	}
	wg.Wait()
	if most.Load() > cores || most.Load() == 0 {
		t.Errorf("%d of %d cores were out", most.Load(), cores)
	}
	if err := c.Take(t.Context(), cores); err != nil {
		t.Errorf("not all came back: %v", err)
	}
}

// Who asked first is served first, whatever it needs.
func TestCoresAreGivenInTheOrderOfAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := infer.NewCores(4)
		if err := c.Take(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		asked := []int{4, 1, 3, 1, 4, 2}
		var served []int
		var mu sync.Mutex
		for n, need := range asked {
			go func() {
				if err := c.Take(context.Background(), need); err != nil {
					t.Error(err)
				}
				mu.Lock()
				served = append(served, n)
				mu.Unlock()
			}()
			synctest.Wait() // it is in the queue
		}
		c.Give(3)
		synctest.Wait()
		if len(served) != 0 {
			t.Errorf("%v went ahead of the first, which needs 4", served)
		}
		c.Give(1)
		synctest.Wait()
		for _, need := range asked {
			c.Give(need)
			synctest.Wait()
		}
		want := []int{0, 1, 2, 3, 4, 5}
		slices.Sort(served[1:3]) // 1 and 3 are served together
		if !slices.Equal(served, want) {
			t.Errorf("served %v, asked %v", served, want)
		}
	})
}

// Who gives up leaves the queue, and those behind go on.
func TestCoresGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := infer.NewCores(2)
		if err := c.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		why := errors.New("the picture is late")
		var gaveUp, went error = nil, errors.New("still waits")
		go func() { gaveUp = c.Take(ctx, 2) }()
		synctest.Wait()
		go func() { went = c.Take(context.Background(), 1) }()
		synctest.Wait()
		if went == nil {
			t.Error("it overtook the one before")
		}
		cancel(why)
		synctest.Wait()
		if !errors.Is(gaveUp, why) || went != nil {
			t.Errorf("errors %v and %v", gaveUp, went)
		}
	})
}
