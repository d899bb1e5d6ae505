package publish

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// commandTimeout is when a command is answered at the latest, from when it came.
	commandTimeout = 60 * time.Second
	// modelTimeout is when a model has to be loaded: the commands that came with it
	// and after it are still carried out in their time.
	modelTimeout = 50 * time.Second
	waitingLimit = 256 // commands of all stations together that wait
	// onceFor is how long a command that comes again is answered from memory.
	onceFor   = 10 * time.Minute
	onceLimit = 256
)

// dispatcher carries out the commands of one station in the order in which they
// came, and those of different stations side by side: no station waits for
// another's model to load. It is used by one goroutine.
type dispatcher struct {
	publisher *Publisher
	waiting   []*order // not answered yet, in the order in which they came
	answered  []*order // in the order of their answers, for those that come again
	finished  chan *order
	working   sync.WaitGroup
}

// order is a command that was accepted.
type order struct {
	request
	begun bool
	reply Reply
	again []request // the same command, which came again before the answer
}

// runCommands carries out commands until ctx ends, each id once.
func (p *Publisher) runCommands(ctx context.Context) {
	d := &dispatcher{publisher: p, finished: make(chan *order)}
	defer d.working.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-p.commands:
			d.accept(r)
		case o := <-d.finished:
			d.answer(o)
		}
		d.begin(ctx)
	}
}

// accept puts a command in its place, unless it was there before.
func (d *dispatcher) accept(r request) {
	d.forget()
	if o := d.find(r); o != nil {
		d.repeat(o, r)
		return
	}
	own := 0
	for _, o := range d.waiting {
		if o.station == r.station {
			own++
		}
	}
	if own >= commandQueue || len(d.waiting) >= waitingLimit {
		d.publisher.refuse(r, errCommandsWait)
		return
	}
	d.waiting = append(d.waiting, &order{request: r})
}

// forget drops answers that are too old, or too many.
func (d *dispatcher) forget() {
	for len(d.answered) > 0 && (time.Since(d.answered[0].Received) > onceFor || len(d.answered) >= onceLimit) {
		d.answered = d.answered[1:]
	}
}

// find returns the command that had the same id at the same station.
func (d *dispatcher) find(r request) *order {
	same := func(o *order) bool { return r.ID != "" && o.ID == r.ID && o.station == r.station }
	for _, list := range [][]*order{d.waiting, d.answered} {
		if i := slices.IndexFunc(list, same); i >= 0 {
			return list[i]
		}
	}
	return nil
}

// repeat answers a command whose id was there before: as the first one is
// answered, and with an error where it asks for something else, which is not done.
func (d *dispatcher) repeat(o *order, r request) {
	switch {
	case !r.sameAs(o.Command):
		d.publisher.refuse(r, fmt.Errorf("the id %q was that of another command within the last %s: this one is not done, give it an id of its own", r.ID, onceFor))
	case slices.Contains(d.waiting, o):
		o.again = append(o.again, r)
	default:
		d.answerAgain(o, r)
	}
}

// begin starts every command that need not wait for one before it.
func (d *dispatcher) begin(ctx context.Context) {
	for i, o := range d.waiting {
		if o.begun || slices.ContainsFunc(d.waiting[:i], o.follows) {
			continue
		}
		o.begun = true
		d.working.Go(func() {
			o.reply = d.carryOut(ctx, o.request)
			select {
			case d.finished <- o:
			case <-ctx.Done():
			}
		})
	}
}

// follows reports whether a command waits for an earlier one: for those of its
// station, or of the box. A pause, which must never be late, overtakes what may
// take long, and follows only what would undo it.
func (o *order) follows(earlier *order) bool {
	if o.station != earlier.station && o.station != "" && earlier.station != "" {
		return false
	}
	return o.Command.Command != CommandPause || earlier.Command.Command == CommandResume
}

// carryOut has the handler do it, in what is left of the time for its answer.
func (d *dispatcher) carryOut(ctx context.Context, r request) Reply {
	limit := commandTimeout
	if r.Command.Command == CommandModel {
		limit = modelTimeout
	}
	ctx, cancel := context.WithDeadline(ctx, r.Received.Add(limit))
	defer cancel()
	if ctx.Err() != nil {
		return Reply{Error: fmt.Sprintf("not done: the command before it took longer than the %s in which this one is to be answered: send it again", limit)}
	}
	return d.publisher.handler.Command(ctx, r.station, r.Command)
}

func (d *dispatcher) answer(o *order) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w *order) bool { return w == o })
	d.publisher.log.Info().Str("station", o.station).Str("command", o.Command.Command).Str("id", o.ID).Str("by", o.Who()).
		Time("received", o.Received).Bool("ok", o.reply.OK).Str("error", o.reply.Error).Msg("command")
	d.publisher.reply(o.request, o.reply)
	for _, r := range o.again {
		d.answerAgain(o, r)
	}
	o.again = nil
	if o.ID != "" {
		d.answered = append(d.answered, o)
	}
}

// answerAgain gives an answer once more.
func (d *dispatcher) answerAgain(o *order, r request) {
	d.publisher.log.Info().Str("station", r.station).Str("command", r.Command.Command).Str("id", r.ID).Str("by", r.Who()).
		Time("received", r.Received).Bool("ok", o.reply.OK).Msg("a command that was there before is answered again, not done again")
	d.publisher.reply(r, o.reply)
}
