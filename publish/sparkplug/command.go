package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	"faird/publish"
	pb "faird/publish/sparkplug/sparkplugpb"
)

// payloadLimit bounds a command that is read at all, in bytes.
const payloadLimit = 64 << 10

// sparkplug is who asks where the broker does not tell.
const sparkplug = "Sparkplug"

// receive sorts what the broker delivers. It runs on paho's goroutine and must
// not wait.
func (n *Node) receive(m mqtt.Message) {
	if n.config.PrimaryHost != "" && m.Topic() == stateTopic(n.config.PrimaryHost) {
		n.hearHost(m.Payload())
		return
	}
	device, ok := n.topics.command(m.Topic())
	switch {
	case !ok:
	case m.Retained():
		n.log.Warn().Str("topic", m.Topic()).Msg("a retained command is ignored: it may be from any time, publish it without retain")
	default:
		if err := n.command(device, m); err != nil {
			n.log.Warn().Err(err).Str("topic", m.Topic()).Msg("a Sparkplug command is refused")
			n.answer(publish.Refuse(device, m.Payload(), err))
		}
	}
}

func (n *Node) hearHost(payload []byte) {
	if len(payload) == 0 {
		return // cleared: it says nothing
	}
	n.mu.Lock()
	was := n.host.online
	err := n.host.hear(payload)
	is := n.host.online
	n.mu.Unlock()
	switch {
	case err != nil:
		n.log.Warn().Err(err).Str("host", n.config.PrimaryHost).Msg("a STATE message is ignored")
	case is != was:
		n.log.Info().Str("host", n.config.PrimaryHost).Bool("online", is).Msg("primary host application")
		n.poke()
	}
}

// command carries out the writes of one NCMD or DCMD. An error means that
// nothing of it is done.
func (n *Node) command(device string, m mqtt.Message) error {
	if len(m.Payload()) > payloadLimit {
		return fmt.Errorf("command of %d bytes, at most %d are read", len(m.Payload()), payloadLimit)
	}
	var p pb.Payload
	if err := proto.Unmarshal(m.Payload(), &p); err != nil {
		return fmt.Errorf("not a Sparkplug B payload: %w", err)
	}
	writes := map[string]*pb.Payload_Metric{}
	for _, w := range p.GetMetrics() {
		name, err := n.named(device, w)
		if err != nil {
			return err
		}
		if writes[name] != nil {
			return fmt.Errorf("%.64q is written twice", name)
		}
		if w.GetIsNull() != (w.Value == nil) {
			return fmt.Errorf("%.64q: write a value, or is_null", name)
		}
		writes[name] = w
	}
	from := n.broker.Sender(m.Topic(), m.Payload())
	if device == "" {
		return n.nodeWrites(writes, from)
	}
	return n.deviceWrites(device, writes, from, publish.Digest(m.Payload()))
}

// named is the name of the metric that is written to.
func (n *Node) named(device string, w *pb.Payload_Metric) (string, error) {
	if w.Name != nil {
		return w.GetName(), nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if name := n.aliases.name(device, w.GetAlias()); name != "" {
		return name, nil
	}
	return "", fmt.Errorf("there is no metric with the alias %d: ask for a rebirth", w.GetAlias())
}

func (n *Node) nodeWrites(writes map[string]*pb.Payload_Metric, from string) error {
	var asked string
	again := false
	for name, w := range writes {
		var err error
		switch name {
		case rebirth:
			again, err = truth(w)
		case nodeCommand:
			asked, err = text(w)
		default:
			err = errors.New("it cannot be written: write Node Control/Rebirth or Node Control/Command")
		}
		if err != nil {
			return fmt.Errorf("%.64q: %w", name, err)
		}
	}
	if again {
		n.mu.Lock()
		n.rebirth = true
		n.mu.Unlock()
		n.poke()
	}
	if asked != "" {
		n.broker.Ask("", []byte(asked), from, n.answer)
	}
	return nil
}

// deviceWrites turns writes into the commands of the plain topics.
func (n *Node) deviceWrites(device string, writes map[string]*pb.Payload_Metric, from, digest string) error {
	commands, asked, err := commands(device, writes)
	if err != nil {
		return err
	}
	for _, c := range commands {
		c.By, c.From, c.Digest = sparkplug, from, digest
		n.broker.Do(device, c, n.answer)
	}
	if asked != "" {
		n.broker.Ask(device, []byte(asked), from, n.answer)
	}
	return nil
}

// commands are what writes ask for, each of them checked: one for both
// thresholds, where the one that is not written stays.
func commands(device string, writes map[string]*pb.Payload_Metric) (list []publish.Command, asked string, err error) {
	limits := publish.Command{Command: publish.CommandThreshold}
	for name, w := range writes {
		c := publish.Command{}
		switch name {
		case threshold:
			limits.Threshold, err = score(w)
		case review:
			limits.Review, err = score(w)
		case modelName:
			c.Command = publish.CommandModel
			c.Model, err = text(w)
		case pause:
			c.Command, err = pausing(w)
		case save:
			c.Command = publish.CommandSave
			c.Count, err = number(w)
		case command:
			asked, err = text(w)
		default:
			err = errors.New("it cannot be written: write Threshold, Review, Model or one of Device Control")
		}
		if err != nil {
			return nil, "", fmt.Errorf("%.64q: %w", name, err)
		}
		if c.Command != "" {
			list = append(list, c)
		}
	}
	if limits.Threshold.Given || limits.Review.Given {
		list = append([]publish.Command{limits}, list...)
	}
	for _, c := range list {
		if err := c.Check(device); err != nil {
			return nil, "", err
		}
	}
	return list, asked, nil
}

// The values of writes. Datatypes are left out of commands (section 6.4.6), so
// it is the form of the value that tells.

func score(w *pb.Payload_Metric) (publish.Limit, error) {
	l := publish.Limit{Given: true}
	switch x := w.GetValue().(type) {
	case *pb.Payload_Metric_DoubleValue:
		l.Value = &x.DoubleValue
	case *pb.Payload_Metric_FloatValue:
		v := float64(x.FloatValue)
		l.Value = &v
	case nil: // null: none of one's own
	default:
		return l, errors.New("write a Double, or null")
	}
	return l, nil
}

func text(w *pb.Payload_Metric) (string, error) {
	x, ok := w.GetValue().(*pb.Payload_Metric_StringValue)
	if !ok || x.StringValue == "" || !utf8.ValidString(x.StringValue) {
		return "", errors.New("write a String, in UTF-8")
	}
	return x.StringValue, nil
}

func truth(w *pb.Payload_Metric) (bool, error) {
	x, ok := w.GetValue().(*pb.Payload_Metric_BooleanValue)
	if !ok {
		return false, errors.New("write a Boolean")
	}
	return x.BooleanValue, nil
}

func pausing(w *pb.Payload_Metric) (string, error) {
	on, err := truth(w)
	if on {
		return publish.CommandPause, err
	}
	return publish.CommandResume, err
}

func number(w *pb.Payload_Metric) (int, error) {
	switch x := w.GetValue().(type) {
	case *pb.Payload_Metric_IntValue:
		return int(x.IntValue), nil
	case *pb.Payload_Metric_LongValue:
		return int(min(x.LongValue, math.MaxInt32)), nil
	default:
		return 0, errors.New("write a UInt32")
	}
}
