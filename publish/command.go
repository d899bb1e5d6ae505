package publish

import (
	"errors"
	"fmt"
	"time"

	"faird/verdict"
)

const (
	commandQueue = 16 // commands of one station that wait
	replyQueue   = 64
)

var errCommandsWait = errors.New("too many commands are waiting already: send it again later")

// request is a command on its way to the handler.
type request struct {
	station string
	Command
	answer func(Reply)
}

// command obeys a message on a command topic.
func (p *Publisher) command(station, topic string, payload []byte) {
	if p.stranger(station) && !p.strangers.admit(station) {
		p.count(func(i *Inbound) { i.Refused++ })
		p.strangers.told.Do(func() {
			p.log.Warn().Str("station", clip(station)).Int("per_second", strangersPerSecond).
				Msg("a command to an unknown station is not answered: too many come; nor are others, which are counted")
		})
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

// accept checks a command and queues it for runCommands.
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
			err = errCommandsWait
		}
	}
	p.refuse(r, err)
}

// refuse answers a command that is not carried out.
func (p *Publisher) refuse(r request, err error) {
	p.count(func(i *Inbound) { i.Refused++ })
	p.log.Warn().Err(err).Str("station", r.station).Str("command", r.Command.Command).Str("id", r.ID).Str("by", r.Who()).Msg("a command is refused")
	p.reply(r, Reply{Error: err.Error()})
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
