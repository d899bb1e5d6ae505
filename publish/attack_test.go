package publish

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/verdict"
)

// attacker is a connection that keeps none of MQTT's rules but those it likes.
type attacker struct {
	t    testing.TB
	conn net.Conn
}

// storm connects without a word.
func storm(t testing.TB, b *box) *attacker {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address(b), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // a test's connection
	return &attacker{t, conn}
}

func address(b *box) string {
	_, at, _ := strings.Cut(b.Status().Broker, "://")
	return at
}

// connect returns the CONNACK's code.
func (a *attacker) connect(id, user, password string, clean bool) byte {
	a.t.Helper()
	c := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	c.ProtocolName, c.ProtocolVersion, c.ClientIdentifier, c.CleanSession = "MQTT", 4, id, clean
	c.Username, c.UsernameFlag, c.Password, c.PasswordFlag = user, user != "", []byte(password), password != ""
	a.send(c)
	ack, is := a.next().(*packets.ConnackPacket)
	if !is {
		return 0xff
	}
	return ack.ReturnCode
}

func (a *attacker) send(p packets.ControlPacket) {
	a.t.Helper()
	if err := p.Write(a.conn); err != nil {
		a.t.Fatal(err)
	}
}

// next is the next packet, nil where the connection is over.
func (a *attacker) next() packets.ControlPacket {
	p, err := packets.ReadPacket(a.conn)
	if err != nil {
		return nil
	}
	return p
}

// subscribe returns the SUBACK's codes.
func (a *attacker) subscribe(filters ...string) []byte {
	a.t.Helper()
	s := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	s.MessageID, s.Topics, s.Qoss = 1, filters, make([]byte, len(filters))
	for i := range s.Qoss {
		s.Qoss[i] = 1
	}
	a.send(s)
	for {
		switch p := a.next().(type) {
		case *packets.SubackPacket:
			return p.ReturnCodes
		case nil:
			return nil
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Sessions that are opened and left, as an HMI with random client ids does, cost
// no more than so many.
func TestSessionsOpenedAndLeft(t *testing.T) {
	b := inside(t)
	before := heap()
	for i := range 1000 {
		a := storm(t, b)
		if code := a.connect(fmt.Sprint("hmi-", i), "", "", false); code != 0 {
			t.Fatalf("CONNACK %d", code)
		}
		a.subscribe("faird/#", "$SYS/#")
		a.conn.Close()
	}
	for i := range uint64(200) {
		b.decide(newVerdict("cap", i+1, verdict.Fail))
	}
	eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
	grown := heap() - before
	t.Logf("grown by %d MB", grown>>20)
	if grown > 64<<20 {
		t.Errorf("grown by %d MB", grown>>20)
	}
}

// The listener outlives a time without file descriptors.
func TestNoFileDescriptors(t *testing.T) {
	b := inside(t)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	idle := make([]*attacker, 0, 20)
	for range 5 {
		idle = append(idle, storm(t, b))
	}
	next := nextDescriptor(t)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(next + 1), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	a := storm(t, b) // takes the last one: nothing is left to accept it with
	time.Sleep(200 * time.Millisecond)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if code := a.connect("a", "", "", true); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	if code := storm(t, b).connect("b", "", "", true); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	for _, i := range idle {
		i.conn.Close()
	}
}

// nextDescriptor is the number that the next file would have.
func nextDescriptor(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	return fd
}
