package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// fault breaks something for a while, mends it again, and says what it was.
type fault func(ctx context.Context, dice *rand.Rand) (what string, err error)

// lane has one fault after the other; lanes run beside each other.
type lane struct {
	faults []fault
	pause  time.Duration // at most, between two
	dice   *rand.Rand
	hand   []int        // of the faults, those that are still to come this time round
	deals  atomic.Int64 // how often every fault of it was there
}

// run deals the faults like cards, shuffled anew each time round, and goes on
// where it was when ctx last ended.
func (l *lane) run(ctx context.Context, count func(what string)) error {
	for ctx.Err() == nil {
		if len(l.hand) == 0 {
			l.hand = l.dice.Perm(len(l.faults))
		}
		if !nap(ctx, l.dice, l.pause/10, l.pause) {
			return nil
		}
		what, err := l.faults[l.hand[0]](ctx, l.dice)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		count(what)
		if l.hand = l.hand[1:]; len(l.hand) == 0 {
			l.deals.Add(1)
		}
	}
	return nil
}

// dealt reports whether every fault of every lane was there.
func dealt(lanes []*lane) bool {
	return !slices.ContainsFunc(lanes, func(l *lane) bool { return l.deals.Load() == 0 })
}

// nap returns false where ctx ended meanwhile.
func nap(ctx context.Context, dice *rand.Rand, least, most time.Duration) bool {
	select {
	case <-time.After(least + time.Duration(dice.Int64N(int64(most-least)))):
		return true
	case <-ctx.Done():
		return false
	}
}

// brokerDies kills mosquitto where the subscriber is there, and ends it in
// order where it is not: killed, mosquitto loses what waits for others, and
// that is not faird's to save.
func (p *proof) brokerDies(ctx context.Context, dice *rand.Rand) (string, error) {
	if !p.witness.connected.Load() {
		return p.brokerStops(ctx, dice)
	}
	return "broker killed", p.withoutBroker(ctx, dice, syscall.SIGKILL)
}

func (p *proof) brokerStops(ctx context.Context, dice *rand.Rand) (string, error) {
	return "broker stopped", p.withoutBroker(ctx, dice, syscall.SIGTERM)
}

func (p *proof) withoutBroker(ctx context.Context, dice *rand.Rand, end syscall.Signal) error {
	p.broker.end(end)
	nap(ctx, dice, 100*time.Millisecond, 2*time.Second)
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := p.broker.start(limit); err != nil {
		return err
	}
	for !p.witness.connected.Load() && limit.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	nap(ctx, dice, 500*time.Millisecond, 600*time.Millisecond) // what waited is on its way
	return limit.Err()
}

func (p *proof) isCut(_ context.Context, dice *rand.Rand) (string, error) {
	p.proxy.cut(dice.IntN(2) == 0)
	return "connection cut", nil
}

// isStalled leaves the connection open with nothing going through, at times
// for longer than the broker may take.
func (p *proof) isStalled(cut bool) fault {
	return func(ctx context.Context, dice *rand.Rand) (string, error) {
		defer p.proxy.stall(false, false)
		p.proxy.stall(true, true)
		nap(ctx, dice, 200*time.Millisecond, 4*time.Second)
		if cut {
			p.proxy.cut(dice.IntN(2) == 0)
			return "connection stalled half-open, then cut", nil
		}
		return "connection stalled half-open, then on", nil
	}
}

// isMute lets verdicts through and acknowledgements not.
func (p *proof) isMute(ctx context.Context, dice *rand.Rand) (string, error) {
	defer p.proxy.stall(false, false)
	p.proxy.stall(false, true)
	nap(ctx, dice, 200*time.Millisecond, 4*time.Second)
	p.proxy.cut(dice.IntN(2) == 0)
	return "acknowledgements held back, then cut", nil
}

// fairdDies kills faird wherever it is, or else where it has begun to work: on a
// slow machine it would do nothing but start.
func (p *proof) fairdDies(ctx context.Context, dice *rand.Rand) (string, error) {
	const some, patience = 50, 15 * time.Second
	before := p.witness.heard()
	for end := time.Now().Add(patience); dice.IntN(100) > 0 && time.Now().Before(end) && p.witness.heard() < before+some; {
		if !nap(ctx, dice, 50*time.Millisecond, 60*time.Millisecond) {
			break
		}
	}
	p.faird.kill()
	return "faird killed", nil
}

// writesFail forbids faird's process to write to any file, and the one that
// takes its place meanwhile.
func (p *proof) writesFail(ctx context.Context, dice *rand.Rand) (string, error) {
	defer p.refusing()()
	const what = "writes to files fail"
	err := p.refuse(ctx, dice, func() error { return p.faird.limitFiles(true) })
	if err != nil {
		return what, err
	}
	return what, p.faird.limitFiles(false)
}

func (p *proof) diskFull(ctx context.Context, dice *rand.Rand) (string, error) {
	if p.volume == nil {
		return p.writesFail(ctx, dice)
	}
	defer p.refusing()()
	defer p.volume.empty()
	return "disk full", p.refuse(ctx, dice, p.volume.fill)
}

// refuse has the disk refuse until faird has felt it, and a while longer: it
// may be dead just now, and a full disk has room in files that are there.
func (p *proof) refuse(ctx context.Context, dice *rand.Rand, again func() error) error {
	before := p.faird.strikes()
	for end := time.Now().Add(10 * time.Second); p.faird.strikes() == before && time.Now().Before(end); {
		if err := again(); err != nil {
			return err
		}
		if !nap(ctx, dice, 90*time.Millisecond, 100*time.Millisecond) {
			break
		}
	}
	nap(ctx, dice, 100*time.Millisecond, 2*time.Second)
	return nil
}

// refusing excuses a faird that ends while the disk refuses, or soon after.
func (p *proof) refusing() (over func()) {
	const soon = 10 * time.Second
	p.refused.Store(time.Now().Add(time.Hour).UnixNano())
	return func() { p.refused.Store(time.Now().Add(soon).UnixNano()) }
}
