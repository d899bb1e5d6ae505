package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOurs = errors.New("ours")

func names(all []Task) (out []string) {
	for _, t := range all {
		out = append(out, t.Name)
	}
	return out
}

// ended waits for every task of the group.
func ended(t *testing.T, g *Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if left := g.Wait(ctx); len(left) > 0 {
		t.Errorf("still running: %v", names(left))
	}
}

func TestWaitNamesWhatStillRuns(t *testing.T) {
	g, hold := NewGroup(), make(chan struct{})
	end := g.Begin("b")
	g.Go("a", func() { <-hold })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if left := names(g.Wait(ctx)); !slices.Equal(left, []string{"a", "b"}) {
		t.Errorf("running: %v", left)
	}
	end()
	end()
	if left := names(g.Running()); !slices.Equal(left, []string{"a"}) {
		t.Errorf("running: %v", left)
	}
	close(hold)
	ended(t, g)
}

func TestANilGroupRunsTasks(t *testing.T) {
	done := make(chan struct{})
	(*Group)(nil).Go("a", func() { close(done) })
	<-done
}

func TestAwait(t *testing.T) {
	g := NewGroup()
	never := func(int) { t.Error("discarded though it was handed over") }
	v, err := Await(t.Context(), g, "a", func(context.Context) (int, error) { return 1, nil }, never)
	if v != 1 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	if _, err = Await(t.Context(), g, "a", func(context.Context) (int, error) { return 0, errOurs }, never); !errors.Is(err, errOurs) {
		t.Errorf("%v", err)
	}
	ended(t, g)
}

// What does not come back is left alone, and what it makes in the end is
// discarded, whether the caller ran out of time or the group was stopped.
func TestAwaitWalksAway(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(g *Group, cancel context.CancelCauseFunc)
		want  error
	}{
		"the caller": {func(_ *Group, cancel context.CancelCauseFunc) { cancel(errOurs) }, errOurs},
		"the group":  {func(g *Group, _ context.CancelCauseFunc) { g.Stop(); g.Stop() }, ErrStopping},
	} {
		t.Run(name, func(t *testing.T) {
			g, hold, discarded := NewGroup(), make(chan struct{}), make(chan int, 1)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			inside := make(chan error, 1)
			_, err := Await(ctx, g, "reading", func(ctx context.Context) (int, error) {
				c.leave(g, cancel)
				<-ctx.Done()
				inside <- context.Cause(ctx)
				<-hold
				return 7, nil
			}, func(v int) { discarded <- v })
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "reading") {
				t.Errorf("%v, want one that names the task and wraps %v", err, c.want)
			}
			if err := <-inside; !errors.Is(err, c.want) {
				t.Errorf("the task was told %v", err)
			}
			close(hold)
			if v := <-discarded; v != 7 {
				t.Errorf("discarded %d", v)
			}
			ended(t, g)
		})
	}
}

// Calls that never return are bounded; once one does there is room again.
func TestAwaitIsBounded(t *testing.T) {
	g, hold := NewGroup(), make(chan struct{})
	ended1 := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stuck := func(hold chan struct{}) {
		_, _ = Await(ctx, g, "stuck", func(context.Context) (int, error) { <-hold; return 0, errOurs }, func(int) {})
	}
	stuck(ended1)
	for range maxAbandoned - 1 {
		stuck(hold)
	}
	quick := func() error {
		_, err := Await(t.Context(), g, "quick", func(context.Context) (int, error) { return 0, nil }, func(int) {})
		return err
	}
	if err := quick(); err == nil || !strings.Contains(err.Error(), "(stuck)") {
		t.Errorf("%v, want a refusal that names what is stuck", err)
	}
	close(ended1)
	for quick() != nil {
		time.Sleep(time.Millisecond)
	}
	close(hold)
	ended(t, g)
}

func TestQueueKeepsTheOrderAndMakesNobodyWait(t *testing.T) {
	g := NewGroup()
	q, hold := NewQueue(g), make(chan struct{})
	var mu sync.Mutex
	var done []int
	q.Add("held", func() { <-hold })
	for i := range 100 {
		q.Add(fmt.Sprint("n", i), func() {
			mu.Lock()
			defer mu.Unlock()
			done = append(done, i)
		})
	}
	if n := len(g.Running()); n != 101 {
		t.Errorf("%d tasks, want all that were added", n)
	}
	close(hold)
	ended(t, g)
	if len(done) != 100 || !slices.IsSorted(done) {
		t.Errorf("done in the order %v", done)
	}
	q.Add("again", func() { done = nil })
	ended(t, g)
	if done != nil {
		t.Error("nothing is done after a pause")
	}
	(*Queue)(nil).Add("at once", func() { done = []int{1} })
	if done == nil {
		t.Error("a nil queue did not run it at once")
	}
}
