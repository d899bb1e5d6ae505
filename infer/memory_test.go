package infer_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/rs/zerolog"

	"faird/infer"
)

func TestRunAllocatesNothing(t *testing.T) {
	r := newRunner(t, openSession(t, meanModel(t, 16), cpu(), zerolog.Nop()), 1)
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": cancellable} {
		allocations := testing.AllocsPerRun(100, func() {
			if err := r.Run(ctx); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 0 {
			t.Errorf("%s context: %v allocations a run", name, allocations)
		}
	}
}

func TestMemoryStaysFlatOverRuns(t *testing.T) {
	r := newRunner(t, openSession(t, meanModel(t, 16), cpu(), zerolog.Nop()), 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	runs := func(n int) int {
		for range n {
			if err := r.Run(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return resident(t)
	}
	before := runs(2000)
	after := runs(18000)
	if grown := after - before; grown > 10<<20 {
		t.Errorf("%d bytes resident after 2,000 runs, %d more after 20,000", before, grown)
	}
}

// TestMemoryStaysFlatOverSessions is a model swapped for weeks.
func TestMemoryStaysFlatOverSessions(t *testing.T) {
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	f := meanModel(t, 256)
	swaps := func(n int) int {
		for range n {
			s, err := infer.Open(f, cpu(), zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.NewRunner(2)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		return resident(t)
	}
	before := swaps(60)
	after := swaps(140)
	if grown := after - before; grown > 28<<20 { // a tenth of what the runners' tensors alone would leave, 2 MiB each
		t.Errorf("%d bytes resident after 60 swaps, %d more after 200", before, grown)
	}
}

// resident is the process's memory in bytes, C memory and all.
func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
