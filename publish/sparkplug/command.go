package sparkplug

import (
	"errors"
	"fmt"
	"math"

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
			n.answer(publish.Reply{Schema: publish.ReplyV1, Station: device, Error: err.Error()})
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
		writes[name] = w
	}
	from := n.broker.Sender(m.Topic(), m.Payload())
	if device == "" {
		return n.nodeWrites(writes, from)
	}
	return n.deviceWrites(device, writes, from)
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
			return fmt.Errorf("%s: %w", name, err)
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
func (n *Node) deviceWrites(device string, writes map[string]*pb.Payload_Metric, from string) error {
	commands, asked, err := n.commands(device, writes)
	if err != nil {
		return err
	}
	for _, c := range commands {
		c.By, c.From = sparkplug, from
		n.broker.Do(device, c, n.answer)
	}
	if asked != "" {
		n.broker.Ask(device, []byte(asked), from, n.answer)
	}
	return nil
}

func (n *Node) commands(device string, writes map[string]*pb.Payload_Metric) (list []publish.Command, asked string, err error) {
	if writes[threshold] != nil || writes[review] != nil {
		c, err := n.thresholds(device, writes[threshold], writes[review])
		if err != nil {
			return nil, "", err
		}
		list = append(list, c)
	}
	for name, w := range writes {
		c := publish.Command{}
		switch name {
		case threshold, review:
			continue
		case modelName:
			c.Command = publish.CommandModel
			c.Model, err = text(w)
		case pause:
			c.Command, err = pausing(w)
		case save:
			c.Command = publish.CommandSave
			c.Count, err = number(w)
		case command:
			if asked, err = text(w); err == nil {
				continue
			}
		default:
			err = errors.New("it cannot be written: write Threshold, Review, Model or one of Device Control")
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, c)
	}
	return list, asked, nil
}

// thresholds is one command for both; the one that is not written stays.
func (n *Node) thresholds(device string, t, r *pb.Payload_Metric) (publish.Command, error) {
	c := publish.Command{Command: publish.CommandThreshold}
	n.mu.Lock()
	if row := n.stations[device]; row != nil && row.state != nil && t == nil {
		c.Threshold = row.state.Threshold
	}
	n.mu.Unlock()
	var err error
	if t != nil {
		if c.Threshold, err = score(t); err != nil {
			return c, fmt.Errorf("%s: %w", threshold, err)
		}
	}
	if r != nil {
		if c.Review, err = score(r); err != nil {
			return c, fmt.Errorf("%s: %w", review, err)
		}
	}
	return c, nil
}

// The values of writes. Datatypes are left out of commands (section 6.4.6), so
// it is the form of the value that tells.

func score(w *pb.Payload_Metric) (*float64, error) {
	var v float64
	switch x := w.GetValue().(type) {
	case *pb.Payload_Metric_DoubleValue:
		v = x.DoubleValue
	case *pb.Payload_Metric_FloatValue:
		v = float64(x.FloatValue)
	case nil:
		return nil, nil // null: none of one's own
	default:
		return nil, errors.New("write a Double, or null")
	}
	if !(v > 0) || math.IsInf(v, 0) { // not a number included
		return nil, fmt.Errorf("%g is no score: write one above 0", v)
	}
	return &v, nil
}

func text(w *pb.Payload_Metric) (string, error) {
	x, ok := w.GetValue().(*pb.Payload_Metric_StringValue)
	if !ok || x.StringValue == "" {
		return "", errors.New("write a String")
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
