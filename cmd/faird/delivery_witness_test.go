package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// witness subscribes with a session of its own, and keeps what came in the order
// in which it came. It reads a connection to its end: a client that gives it up
// because an acknowledgement cannot be written would drop what a broker that was
// killed had sent before.
type witness struct {
	addr      string
	connected atomic.Bool // and subscribed
	stop      context.CancelFunc
	ended     chan struct{}

	mu   sync.Mutex
	came []arrival
	ids  map[string]bool
	kept map[string][]byte // newest payload of each state and last topic
}

func newWitness(addr string) *witness {
	ctx, stop := context.WithCancel(context.Background())
	w := &witness{addr: addr, stop: stop, ended: make(chan struct{}), ids: map[string]bool{}, kept: map[string][]byte{}}
	go func() {
		defer close(w.ended)
		for ctx.Err() == nil {
			_ = w.session(ctx) // ends with the broker
			w.connected.Store(false)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return w
}

func (w *witness) end() {
	w.stop()
	<-w.ended
}

// session is one connection.
func (w *witness) session(ctx context.Context) error {
	conn, err := net.DialTimeout("tcp", w.addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.ClientIdentifier = "MQTT", 4, "witness"
	ask := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	ask.MessageID, ask.Topics, ask.Qoss = 1, []string{"faird/#"}, []byte{1}
	if err := errors.Join(hello.Write(conn), ask.Write(conn)); err != nil {
		return err
	}
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return err
		}
		switch p := p.(type) {
		case *packets.ConnackPacket:
			if p.ReturnCode != packets.Accepted {
				return fmt.Errorf("refused: %d", p.ReturnCode)
			}
		case *packets.SubackPacket:
			w.connected.Store(true)
		case *packets.PublishPacket:
			w.take(p.TopicName, p.Payload)
			if p.Qos > 0 {
				ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
				ack.MessageID = p.MessageID
				_ = ack.Write(conn) // what was sent before the connection broke is still to be read
			}
		}
	}
}

func (w *witness) take(topic string, payload []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	parts := strings.Split(topic, "/")
	switch leaf := parts[len(parts)-1]; leaf {
	case "verdict":
		w.came = append(w.came, arrival{parts[len(parts)-2], payload})
		if _, id, ok := bytes.Cut(payload, []byte(`"id":"`)); ok && bytes.HasSuffix(payload, []byte(`"durable":true}`)) {
			w.ids[string(id[:min(26, len(id))])] = true
		}
	case "state", "last":
		w.kept[topic] = payload
	}
}

// heard is how many different verdicts came so far that are on disk.
func (w *witness) heard() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ids)
}

func (w *witness) retained(topic string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[topic]
}
