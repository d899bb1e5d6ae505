package publish

import (
	"context"
	"fmt"
	"time"

	"faird/verdict"
)

const (
	commandQueue = 16
	// commandTimeout bounds a command; a model swap reads and checks the model.
	commandTimeout = 60 * time.Second
	replyQueue     = 64
	// onceFor is how long a command that comes again is answered from memory.
	onceFor   = 10 * time.Minute
	onceLimit = 256
)

// request is a command on its way to the handler.
type request struct {
	station string
	Command
	answer func(Reply)
}

// answered is a reply kept for the command that comes again.
type answered struct {
	request
	reply Reply
}

// command obeys a message on a command topic.
func (p *Publisher) command(station, topic string, payload []byte) {
	if p.stranger(station) && !p.strangers.admit(station) {
		p.count(func(i *Inbound) { i.Refused++ })
		return
	}
	p.Ask(station, payload, p.Sender(topic, payload), p.sayReply)
}

// Ask takes over a command as JSON, whatever way it came: it is checked, done
// after those before it and once for each id, logged, and answered. From says
// who sent it as far as the broker knows. Answer must not wait.
func (p *Publisher) Ask(station string, payload []byte, from string, answer func(Reply)) {
	r := request{station: station, answer: answer}
	err := parseCommand(payload, &r.Command)
	r.From = from
	p.accept(r, err)
}

// Do takes over a command like Ask.
func (p *Publisher) Do(station string, c Command, answer func(Reply)) {
	c.ID, c.By, c.Received = clip(c.ID), clip(c.By), time.Now()
	p.accept(request{station: station, Command: c, answer: answer}, nil)
}

// accept checks a command and queues it for obey.
func (p *Publisher) accept(r request, err error) {
	switch {
	case !p.config.Commands:
		err = fmt.Errorf("commands are switched off: set mqtt.commands to true in the config")
	case p.stranger(r.station):
		err = p.unknown(r.station)
	case err == nil:
		err = r.Check(r.station)
	}
	if err == nil {
		select {
		case p.commands <- r:
			return
		default:
			err = fmt.Errorf("%d commands are waiting already: send it again later", commandQueue)
		}
	}
	p.count(func(i *Inbound) { i.Refused++ })
	p.log.Warn().Err(err).Str("station", r.station).Str("command", r.Command.Command).Str("id", r.ID).Str("by", r.Who()).Msg("a command is refused")
	p.reply(r, Reply{Error: err.Error()})
}

// obey carries out commands one after the other, each id once.
func (p *Publisher) obey(ctx context.Context) {
	var done []answered
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-p.commands:
			done = p.obeyOnce(ctx, r, done)
		}
	}
}

func (p *Publisher) obeyOnce(ctx context.Context, r request, done []answered) []answered {
	for len(done) > 0 && (time.Since(done[0].Received) > onceFor || len(done) >= onceLimit) {
		done = done[1:]
	}
	for _, a := range done {
		if r.ID != "" && a.ID == r.ID && a.station == r.station {
			p.repeated(r, a)
			return done
		}
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	reply := p.handler.Command(ctx, r.station, r.Command)
	p.log.Info().Str("station", r.station).Str("command", r.Command.Command).Str("id", r.ID).Str("by", r.Who()).
		Time("received", r.Received).Bool("ok", reply.OK).Str("error", reply.Error).Msg("command")
	p.reply(r, reply)
	if r.ID == "" {
		return done
	}
	return append(done, answered{r, reply})
}

// repeated answers a command whose id was there before: as it was then, and
// with an error where it asks for something else, which was not done.
func (p *Publisher) repeated(r request, before answered) {
	if !r.sameAs(before.Command) {
		before.reply = Reply{Error: fmt.Sprintf("the id %q was that of another command within the last %s: this one is not done, give it an id of its own", r.ID, onceFor)}
	}
	p.log.Info().Str("station", r.station).Str("command", r.Command.Command).Str("id", r.ID).Str("by", r.Who()).
		Time("received", r.Received).Bool("ok", before.reply.OK).Msg("a command that was there before is answered again, not done again")
	p.reply(r, before.reply)
}

// sameAs is whether two commands ask for the same.
func (c *Command) sameAs(d Command) bool {
	return c.Command == d.Command && c.Threshold.same(d.Threshold) && c.Review.same(d.Review) && c.Model == d.Model && c.Count == d.Count
}

func (l Limit) same(m Limit) bool { return l.Given == m.Given && equal(l.Value, m.Value) }

// Who names who asks: as they say, and as the broker knows.
func (c *Command) Who() string {
	switch {
	case c.From == "":
		return c.By
	case c.By == "":
		return c.From
	}
	return c.By + " (" + c.From + ")"
}

// reply completes the answer and hands it back.
func (p *Publisher) reply(r request, answer Reply) {
	answer.Schema, answer.ID, answer.Command, answer.Station, answer.Digest = ReplyV1, r.ID, r.Command.Command, r.station, r.Digest
	answer.Time = verdict.Time{Time: time.Now()}
	r.answer(answer)
}

// sayReply has a reply sent on the reply topic; where nobody is connected it is
// kept for a while.
func (p *Publisher) sayReply(answer Reply) {
	p.mu.Lock()
	if p.replies = append(p.replies, answer); len(p.replies) > replyQueue {
		p.replies = p.replies[1:]
	}
	p.mu.Unlock()
	p.poke()
}
