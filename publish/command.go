package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"faird/verdict"
)

const (
	commandQueue = 16 // commands of one station that wait
	replyQueue   = 64
	saveLimit    = 10000
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
	case err == nil:
		err = r.check()
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

func parseCommand(payload []byte, c *Command) error {
	c.Received = time.Now()
	if len(payload) > payloadLimit {
		return fmt.Errorf("command: %d bytes, at most %d are read", len(payload), payloadLimit)
	}
	err := json.Unmarshal(payload, c)
	if err == nil && len(c.ID) > fieldLimit {
		err = fmt.Errorf("id may have %d bytes", fieldLimit)
	}
	c.ID, c.By, c.Command = clip(c.ID), clip(c.By), clip(c.Command)
	if err != nil {
		return fmt.Errorf(`command: %w: send {"id":"…","command":"pause"}`, err)
	}
	return nil
}

// check is what can be said without knowing the station's state.
func (r *request) check() error {
	switch r.Command.Command {
	case CommandThreshold, CommandModel, CommandSave:
		if r.station == "" {
			return fmt.Errorf("%s is a station's command: send it to <station>/command", r.Command.Command)
		}
	case CommandPause, CommandResume:
	case "":
		return fmt.Errorf("command is missing: threshold, model, pause, resume or save")
	default:
		return fmt.Errorf("unknown command %q: threshold, model, pause, resume or save", r.Command.Command)
	}
	switch {
	case r.Command.Command == CommandModel && r.Model == "":
		return fmt.Errorf("model is missing: name a model file on the box")
	case r.Command.Command == CommandSave && (r.Count < 1 || r.Count > saveLimit):
		return fmt.Errorf("count must be 1 to %d", saveLimit)
	case r.Threshold == nil && r.Review != nil:
		return fmt.Errorf("review needs a threshold")
	case r.Threshold != nil && r.Review != nil && *r.Review > *r.Threshold:
		return fmt.Errorf("review must not be above threshold")
	}
	return nil
}

// sameAs is whether two commands ask for the same.
func (c *Command) sameAs(d Command) bool {
	return c.Command == d.Command && equal(c.Threshold, d.Threshold) && equal(c.Review, d.Review) && c.Model == d.Model && c.Count == d.Count
}

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
	answer.Schema, answer.ID, answer.Command, answer.Station = ReplyV1, r.ID, r.Command.Command, r.station
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
