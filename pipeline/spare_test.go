package pipeline

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// heard follows what work that may wait is told.
func heard(t *testing.T, l *lane) <-chan bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan bool, 10), make(chan struct{})
	go func() {
		defer close(done)
		l.spare(ctx, func(spare bool) { told <- spare })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return told
}

// wants holds that by now these have been told, and no more.
func wants(t *testing.T, told <-chan bool, want ...bool) {
	t.Helper()
	synctest.Wait()
	var got []bool
	for len(told) > 0 {
		got = append(got, <-told)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("time to spare: %v, want %v", got, want)
	}
}

// There is time to spare while no station judges, whoever of them that is, and
// from the very moment on.
func TestSpareBetweenJudgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		l.begin()
		told := heard(t, l)
		wants(t, told, false)
		l.begin()
		l.end()
		wants(t, told)
		l.end()
		wants(t, told, true)
		time.Sleep(time.Hour)
		wants(t, told)
		l.begin()
		wants(t, told, false)
		l.end()
		wants(t, told, true)
	})
}

// Where stations never cease to judge, what waits still gets its turns: 50 ms
// after every second without.
func TestSpareIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		l.begin()
		told := heard(t, l)
		wants(t, told, false)
		for range 3 {
			time.Sleep(sparePart*spareBurst - time.Millisecond)
			wants(t, told)
			time.Sleep(time.Millisecond)
			wants(t, told, true)
			time.Sleep(spareBurst - time.Millisecond)
			wants(t, told)
			time.Sleep(time.Millisecond)
			wants(t, told, false)
		}
	})
}

// The debt grows by a twentieth of the time without work and is paid by work;
// what is paid beyond it is not saved up.
func TestDebt(t *testing.T) {
	var d debt
	for _, step := range []struct {
		long   time.Duration
		worked bool
		owed   time.Duration
		due    bool
	}{
		{400 * time.Millisecond, false, 20 * time.Millisecond, false},
		{5 * time.Millisecond, true, 15 * time.Millisecond, false},
		{300 * time.Millisecond, false, 30 * time.Millisecond, false},
		{400 * time.Millisecond, false, spareBurst, true},
		{time.Hour, false, spareBurst, true},
		{20 * time.Millisecond, true, 30 * time.Millisecond, true},
		{time.Minute, true, 0, false},
		{100 * time.Millisecond, false, 5 * time.Millisecond, false},
	} {
		if d.pass(step.long, step.worked); d.owed != step.owed || d.due != step.due {
			t.Errorf("after %v, worked %v: %+v, want %v and %v", step.long, step.worked, d, step.owed, step.due)
		}
	}
	var worked time.Duration
	for range 100000 {
		due := d.due
		d.pass(time.Millisecond, due)
		if due {
			worked += time.Millisecond
		}
	}
	if share := worked.Seconds() / 100; share < 0.045 || share > 0.05 {
		t.Errorf("%.3f of the time, want almost a twentieth", share)
	}
}
