package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// assault is one way to attack, again and again.
type assault struct {
	name  string
	pause time.Duration // between two times
	hold  int           // connections that are kept open, the oldest is closed for a new one
	once  func(a *attacker, n int)
	from  string // address; "" is 127.0.0.1

	flood *flood
	times atomic.Int64
}

// lanes are all ways to attack. None is so fast that the machine's processors are
// what the attack takes.
func (f *flood) lanes() []*assault {
	list := []*assault{
		{name: "sessions opened and left", pause: 5 * time.Millisecond, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("hmi-", n), "viewer", "viewer-secret", false)
			a.subscribe("#", "faird/#", "$SYS/#")
		}},
		{name: "silent connections", pause: 2 * time.Millisecond, hold: 200, once: func(*attacker, int) {}},
		{name: "half a CONNECT", pause: 10 * time.Millisecond, hold: 50, once: func(a *attacker, _ int) {
			a.raw([]byte{0x10, 0xff, 0x7f, 0, 4, 'M', 'Q'})
		}},
		{name: "connections of one user", pause: 5 * time.Millisecond, hold: 40, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("many-", n), "viewer", "viewer-secret", true)
		}},
		{name: "large retained messages", pause: 20 * time.Millisecond, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("retain-", n), "hmi", "hmi-secret", true)
			a.publish(fmt.Sprintf("%s/made-up-%d/trigger", boxTop, n), true, make([]byte, 512<<10))
		}},
		{name: "many retained messages", pause: 5 * time.Millisecond, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("litter-", n), "hmi", "hmi-secret", true)
			for i := range 20 {
				a.publish(fmt.Sprintf("%s/made-up-%d/ack", boxTop, 20*n+i), true, []byte("x"))
			}
		}},
		{name: "many subscriptions", pause: 50 * time.Millisecond, hold: 8, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("filters-", n), "viewer", "viewer-secret", true)
			for i := range 10 {
				filters := make([]string, 100)
				for j := range filters {
					filters[j] = fmt.Sprintf("%d/%d/%d/+/#", n, i, j)
				}
				a.subscribe(filters...)
			}
		}},
		{name: "guessed passwords", pause: 5 * time.Millisecond, from: "127.0.0.2", once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("guess-", n), []string{"plc", "nobody"}[n%2], fmt.Sprint("guess-", n), true)
		}},
		{name: "the PLC's client id", pause: 20 * time.Millisecond, once: func(a *attacker, _ int) {
			if code := a.connect("plc-line", "viewer", "viewer-secret", false); code == 0 {
				f.say("another user has the PLC's session")
			}
		}},
		{name: "subscribers that never read", pause: 100 * time.Millisecond, hold: 6, once: func(a *attacker, n int) {
			_ = a.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			a.connect(fmt.Sprint("mute-", n), "hmi", "hmi-secret", n%2 == 0)
			for range 50 {
				a.ask("#", "faird/#")
			}
		}},
		{name: "packets announced and not sent", pause: 50 * time.Millisecond, hold: 10, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("stall-", n), "viewer", "viewer-secret", true)
			a.raw(binary.AppendUvarint([]byte{0x30}, uint64(1900<<10+n%3*(200<<10)))) // the third kind is too long
		}},
		{name: "junk", pause: 5 * time.Millisecond, once: func(a *attacker, n int) {
			junk := make([]byte, 64)
			for i := range junk {
				junk[i] = byte(rand.Uint32()) //nolint:gosec // junk
			}
			junk[0] = byte(n)
			a.raw(junk)
		}},
		{name: "wills", pause: 20 * time.Millisecond, once: func(a *attacker, n int) {
			a.will = fmt.Sprintf("%s/made-up-%d/trigger", boxTop, n)
			a.connect(fmt.Sprint("will-", n), "hmi", "hmi-secret", true)
		}},
		{name: "triggers of a hundred stations", pause: 10 * time.Millisecond, once: func(a *attacker, n int) {
			a.connect(fmt.Sprint("line-", n), "hmi", "hmi-secret", true)
			for i := range 10 {
				a.publish(fmt.Sprintf("%s/made-up-%d/trigger", boxTop, i), false, []byte(`{"id":"x"}`))
			}
		}},
	}
	for _, l := range list {
		l.flood = f
	}
	f.t.Cleanup(func() {
		for _, l := range list {
			f.t.Logf("%-32s %6d times", l.name, l.times.Load())
		}
	})
	return list
}

// run attacks until ctx ends, and leaves nothing open.
func (l *assault) run(ctx context.Context) {
	var open []*attacker
	defer func() {
		for _, a := range open {
			a.close()
		}
	}()
	for n := 0; ctx.Err() == nil; n++ {
		if a, err := attackFrom(l.from, l.flood.addr); err == nil {
			l.once(a, n)
			l.times.Add(1)
			open = append(open, a)
		}
		for len(open) > l.hold {
			open[0].close()
			open = open[1:]
		}
		select {
		case <-time.After(l.pause):
		case <-ctx.Done():
		}
	}
}

// attacker is a connection that keeps those of MQTT's rules that it likes. What
// fails on it is what the broker does to attackers.
type attacker struct {
	conn net.Conn
	will string // topic
}

func attack(to string) (*attacker, error) { return attackFrom("", to) }

func attackFrom(from, to string) (*attacker, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := d.Dial("tcp", to)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return &attacker{conn: conn}, nil
}

func (a *attacker) close() {
	if a != nil {
		_ = a.conn.Close()
	}
}

// connect returns the CONNACK's code, 0xff where there is none.
func (a *attacker) connect(id, user, password string, clean bool) byte {
	c := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	c.ProtocolName, c.ProtocolVersion, c.ClientIdentifier, c.CleanSession = "MQTT", 4, id, clean
	c.Username, c.UsernameFlag, c.Password, c.PasswordFlag = user, true, []byte(password), true
	if a.will != "" {
		c.WillFlag, c.WillRetain, c.WillTopic, c.WillMessage = true, true, a.will, make([]byte, 16<<10)
	}
	_ = c.Write(a.conn)
	if ack, is := a.next().(*packets.ConnackPacket); is {
		return ack.ReturnCode
	}
	return 0xff
}

func (a *attacker) next() packets.ControlPacket {
	p, err := packets.ReadPacket(a.conn)
	if err != nil {
		return nil
	}
	return p
}

// ask subscribes, and does not wait for an answer.
func (a *attacker) ask(filters ...string) {
	s := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	s.MessageID, s.Topics, s.Qoss = 1, filters, []byte(strings.Repeat("\x01", len(filters)))
	_ = s.Write(a.conn)
}

func (a *attacker) subscribe(filters ...string) {
	a.ask(filters...)
	for p := a.next(); p != nil; p = a.next() {
		if _, is := p.(*packets.SubackPacket); is {
			return
		}
	}
}

func (a *attacker) publish(topic string, retain bool, payload []byte) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Retain, p.Payload = topic, retain, payload
	_ = p.Write(a.conn)
}

func (a *attacker) raw(b []byte) { _, _ = a.conn.Write(b) }

func readLines(t *testing.T, r io.Reader) (lines []string) {
	t.Helper()
	for s := bufio.NewScanner(r); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
