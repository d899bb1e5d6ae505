package publish

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	mqtt5 "github.com/mochi-mqtt/server/v2/packets"

	"faird/config"
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
	conn, err := net.DialTimeout("tcp", addressOf(b), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // a test's connection
	return &attacker{t, conn}
}

func addressOf(b *box) string {
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

// limited is a box with the built-in broker, with other limits than the default.
func limited(t *testing.T, change func(*config.BuiltinLimits), users ...config.User) *box {
	t.Helper()
	l := config.DefaultLimits()
	change(&l)
	b := newBox(t, config.MQTT{Builtin: config.Builtin{Listen: "127.0.0.1:0", Users: users, Limits: l}}, true)
	b.SetStations([]string{"cap"})
	return b.run(t).connected(t)
}

var (
	plcUser    = config.User{Name: "plc", Password: "plc-secret", Write: true}
	viewerUser = config.User{Name: "viewer", Password: "viewer-secret"}
)

// use is one of the broker's limits as the metrics have it.
func (b *box) use(limit string) Use {
	for _, u := range b.Builtin().Limits {
		if u.Limit == limit {
			return u
		}
	}
	return Use{}
}

// reachedAndSaid holds that a limit was reached, counted, and is in the log once.
func reachedAndSaid(t *testing.T, b *box, limit string) {
	t.Helper()
	eventually(t, limit+" is reached", func() bool { return b.use(limit).Reached > 0 })
	if u := b.use(limit); u.Kept && u.Now > u.Max {
		t.Errorf("%+v", u)
	}
	said := func() int { return strings.Count(b.logged.String(), `"limit":"`+limit+`"`) }
	eventually(t, limit+" is in the log", func() bool { return said() > 0 })
	if said() != 1 {
		t.Errorf("%s is %d times in the log: %s", limit, said(), b.logged)
	}
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
	reachedAndSaid(t, b, "sessions")
	eventually(t, "no more sessions than allowed", func() bool { return b.use("sessions").Now <= 64 && b.use("sockets").Now == 0 })
	if n := b.broker.server.Clients.Len(); n > 64+3 { // the daemon's own beside
		t.Errorf("the library has %d clients", n)
	}
	grown := heap() - before
	t.Logf("grown by %d MB", grown>>20)
	if grown > 100<<20 {
		t.Error("that is more than the limits allow")
	}
}

// The flood of one user ends that user's sessions, and nobody else's.
func TestSessionsOfOthersStay(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.Sessions = 4 }, plcUser, viewerUser)
	plc := storm(t, b)
	plc.connect("plc-1", "plc", "plc-secret", false)
	plc.subscribe(prefix + "cap/verdict")
	plc.conn.Close()
	for i := range 20 {
		a := storm(t, b)
		a.connect(fmt.Sprint("hmi-", i), "viewer", "viewer-secret", false)
		a.conn.Close()
	}
	reachedAndSaid(t, b, "sessions")
	eventually(t, "settled", func() bool { return b.use("sessions").Now == 4 && b.use("sockets").Now == 0 })
	b.decide(newVerdict("cap", 1, verdict.Fail))
	plc = storm(t, b)
	plc.connect("plc-1", "plc", "plc-secret", false)
	if p, is := plc.next().(*packets.PublishPacket); !is || p.TopicName != prefix+"cap/verdict" {
		t.Errorf("the PLC's session has %v", p)
	}
}

// Where too much waits in all sessions together, the fullest session of the user
// with most goes.
func TestBytesQueued(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.QueuedBytes = 2 << 20 }, plcUser, viewerUser)
	plc := storm(t, b)
	plc.connect("plc-1", "plc", "plc-secret", false)
	plc.subscribe(prefix + "cap/verdict")
	plc.conn.Close()
	for i := range 10 {
		a := storm(t, b)
		a.connect(fmt.Sprint("hmi-", i), "viewer", "viewer-secret", false)
		a.subscribe("faird/#")
		a.conn.Close()
	}
	eventually(t, "all are away", func() bool { return b.use("sessions").Now == 11 })
	b.decideMany("cap", 1, 300)
	eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
	reachedAndSaid(t, b, "queued_bytes")
	plc = storm(t, b)
	plc.connect("plc-1", "plc", "plc-secret", false)
	got := 0
	for got < 300 {
		p, is := plc.next().(*packets.PublishPacket)
		if !is {
			break
		}
		got++
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = p.MessageID
		plc.send(ack)
	}
	if got != 300 {
		t.Errorf("the PLC has %d of 300 verdicts", got)
	}
}

// A session keeps so many messages, and no more.
func TestMessagesOfASession(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.SessionMessages = 10 })
	a := storm(t, b)
	a.connect("hmi", "", "", false)
	a.subscribe(prefix + "cap/verdict")
	a.conn.Close()
	eventually(t, "away", func() bool { return b.use("sessions").Now == 1 })
	b.decideMany("cap", 1, 30)
	eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
	reachedAndSaid(t, b, "session_messages")
}

// Sessions end, with their subscriptions.
func TestSessionsExpire(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.SessionExpiry = time.Second })
	a := storm(t, b)
	a.connect("hmi", "", "", false)
	a.subscribe("some/topic")
	a.conn.Close()
	reachedAndSaid(t, b, "session_expiry")
	eventually(t, "no session", func() bool { return b.use("sessions").Now == 0 && b.use("subscriptions").Now == 0 })
	if n := len(b.broker.server.Topics.Subscribers("some/topic").Subscriptions); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// The listener outlives a time without file descriptors, and says so; and the
// broker's look at itself finds out.
func TestNoFileDescriptors(t *testing.T) {
	b := inside(t)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	restore := func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) }
	t.Cleanup(restore)
	eventually(t, "checked", func() bool { return b.Builtin().Err == "" })
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(nextDescriptor(t) + 1), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	a := storm(t, b) // takes the last one: nothing is left to accept it with
	eventually(t, "it is noticed", func() bool { return b.Builtin().AcceptFailures > 2 })
	if _, err := b.broker.roundTrip(t.Context()); err == nil {
		t.Error("the broker finds that it serves clients")
	}
	eventually(t, "its status says so", func() bool { return b.Builtin().Err != "" })
	restore()
	if code := a.connect("a", "", "", true); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	if code := storm(t, b).connect("b", "", "", true); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	eventually(t, "it is well again", func() bool { return b.Builtin().Err == "" })
	for _, want := range []string{"connections cannot be accepted", "connections are accepted again", "it does not serve clients", "it serves clients again"} {
		if n := strings.Count(b.logged.String(), want); n != 1 {
			t.Errorf("%q is %d times in the log: %s", want, n, b.logged)
		}
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

// Who says nothing makes room for who does, and is gone after a while.
func TestSilentConnections(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.Sockets, l.UserSockets, l.ConnectTimeout = 8, 4, time.Second })
	for range 50 {
		storm(t, b)
	}
	if code := storm(t, b).connect("plc", "", "", true); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	reachedAndSaid(t, b, "sockets")
	reachedAndSaid(t, b, "connect_timeout")
	eventually(t, "the silent are gone", func() bool { return b.use("sockets").Now == 1 })
}

// One user does not take every place.
func TestSocketsOfOneUser(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.Sockets, l.UserSockets = 8, 3 }, plcUser, viewerUser)
	for i := range 10 {
		want := byte(0)
		if i >= 3 {
			want = packets.ErrRefusedServerUnavailable
		}
		if code := storm(t, b).connect(fmt.Sprint("hmi-", i), "viewer", "viewer-secret", true); code != want {
			t.Errorf("connection %d: CONNACK %d, want %d", i, code, want)
		}
	}
	if code := storm(t, b).connect("plc", "plc", "plc-secret", true); code != 0 {
		t.Errorf("the PLC: CONNACK %d", code)
	}
	reachedAndSaid(t, b, "user_sockets")
}

// Nothing that clients retain goes beyond the limits; what does is delivered all
// the same.
func TestRetainedMessages(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.RetainedMessages, l.RetainedBytes = 20, 8<<20 }, plcUser)
	plc := newClient(t, b.Status().Broker, as("plc", "plc-secret"))
	for i := range 100 {
		plc.send(t, fmt.Sprintf("station-%d/trigger", i), strings.Repeat("x", 1<<20), true)
	}
	reachedAndSaid(t, b, "retained_bytes")
	for i := range 100 {
		plc.send(t, fmt.Sprintf("station-%d/ack", i), "x", true)
	}
	reachedAndSaid(t, b, "retained_messages")
	if u := b.use("retained_messages"); u.Now != 20 {
		t.Errorf("%+v", u)
	}
	plc.send(t, "station-0/trigger", "", true)
	eventually(t, "room again", func() bool { return b.use("retained_messages").Now == 19 })
	before := len(b.plant.heard())
	plc.send(t, "cap/trigger", `{"id":"beyond"}`, true)
	plc.send(t, "cap/trigger", `{"id":"live"}`, true)
	eventually(t, "delivered", func() bool { return len(b.plant.heard()) == before+2 })
	if _, is := b.broker.server.Topics.Retained.Get(prefix + "state"); !is {
		t.Error("the daemon's own state is not retained")
	}
}

func TestSubscriptionLimits(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.SessionSubscriptions, l.Subscriptions = 5, 8 })
	a := storm(t, b)
	a.connect("a", "", "", true)
	if codes := a.subscribe("1", "2", "3", "4", "5", "6"); string(codes) != "\x01\x01\x01\x01\x01\x80" {
		t.Errorf("SUBACK %v", codes)
	}
	if codes := a.subscribe("1"); string(codes) != "\x01" {
		t.Errorf("one that it has: SUBACK %v", codes)
	}
	reachedAndSaid(t, b, "session_subscriptions")
	other := storm(t, b)
	other.connect("b", "", "", true)
	if codes := other.subscribe("1", "2", "3", "4"); string(codes) != "\x01\x01\x01\x80" {
		t.Errorf("SUBACK %v", codes)
	}
	reachedAndSaid(t, b, "subscriptions")
	if codes := other.subscribe(strings.Repeat("a/", 20_000), strings.Repeat("a", 2000)); string(codes) != "\x80\x80" {
		t.Errorf("filters of 20,000 levels, and of 2,000 bytes: SUBACK %v", codes)
	}
}

// A subscriber that never reads delays nobody, and is gone when too much waits
// for it.
func TestSubscriberThatNeverReads(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.Packet, l.Unread, l.SessionMessages = 64<<10, 64<<10, 65535 }, plcUser, viewerUser)
	a := storm(t, b)
	_ = a.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	a.connect("hmi", "viewer", "viewer-secret", true)
	a.subscribe("faird/#")
	plc := newPLC(t, b.Status().Broker, as("plc", "plc-secret"))
	for i := uint64(0); b.use("unread").Reached == 0; i += 50 {
		b.decideMany("cap", int(i)+1, 50)
		eventually(t, "the PLC has them", func() bool { return len(plc.on("cap/verdict")) == int(i)+50 })
	}
	reachedAndSaid(t, b, "unread")
	eventually(t, "it is gone", func() bool { _, there := b.broker.server.Clients.Get("hmi"); return !there })
}

// A packet that is too long is not waited for, and neither are many that are
// announced and never sent.
func TestPacketsAnnounced(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.Packet, l.Unread, l.QueuedBytes = 1<<20, 1<<20, 4<<20 }, plcUser)
	announce := func(length int) *attacker {
		a := storm(t, b)
		if code := a.connect(fmt.Sprint("a-", time.Now().UnixNano()), "plc", "plc-secret", true); code != 0 {
			t.Fatalf("CONNACK %d", code)
		}
		if _, err := a.conn.Write(binary.AppendUvarint([]byte{0x30}, uint64(length))); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if p := announce(2 << 20).next(); p != nil {
		t.Errorf("it goes on: %v", p)
	}
	reachedAndSaid(t, b, "packet")
	for range 10 {
		announce(1<<20 - 5)
	}
	reachedAndSaid(t, b, "queued_bytes")
	stranger := storm(t, b)
	if _, err := stranger.conn.Write(binary.AppendUvarint([]byte{0x10}, 100_000)); err != nil {
		t.Fatal(err)
	}
	if p := stranger.next(); p != nil {
		t.Errorf("a CONNECT of 100 kB goes on: %v", p)
	}
}

// A session belongs to its user: nobody else gets what waits in it.
func TestClientIDOfAnotherUser(t *testing.T) {
	b := limited(t, func(*config.BuiltinLimits) {}, plcUser, viewerUser)
	plc := storm(t, b)
	plc.connect("plc-1", "plc", "plc-secret", false)
	plc.subscribe(prefix + "cap/verdict")
	takes := func(when string) {
		t.Helper()
		if code := storm(t, b).connect("plc-1", "viewer", "viewer-secret", false); code != packets.ErrRefusedIDRejected {
			t.Errorf("%s: CONNACK %d", when, code)
		}
		if code := connect5(t, b, "plc-1", "viewer", "viewer-secret"); code != mqtt5.ErrClientIdentifierNotValid.Code {
			t.Errorf("%s: CONNACK of MQTT 5 %#x", when, code)
		}
	}
	takes("while the PLC is there")
	plc.conn.Close()
	eventually(t, "away", func() bool { return b.use("sessions").Now == 1 })
	b.decide(newVerdict("cap", 1, verdict.Fail))
	takes("while it is away")
	if !strings.Contains(b.logged.String(), `"user":"viewer","client":"plc-1"`) || !strings.Contains(b.logged.String(), `"owner":"plc"`) {
		t.Errorf("log: %s", b.logged)
	}
	plc = storm(t, b)
	if code := plc.connect("plc-1", "plc", "plc-secret", false); code != 0 {
		t.Fatalf("the PLC: CONNACK %d", code)
	}
	if p, is := plc.next().(*packets.PublishPacket); !is || p.TopicName != prefix+"cap/verdict" {
		t.Errorf("the PLC's session has %v", p)
	}
}

// connect5 returns the reason of an MQTT 5 CONNACK.
func connect5(t *testing.T, b *box, id, user, password string) byte {
	t.Helper()
	a := storm(t, b)
	var buf bytes.Buffer
	pk := mqtt5.Packet{
		FixedHeader: mqtt5.FixedHeader{Type: mqtt5.Connect}, ProtocolVersion: 5,
		Connect: mqtt5.ConnectParams{
			ProtocolName: []byte("MQTT"), ClientIdentifier: id, Keepalive: 30,
			UsernameFlag: true, Username: []byte(user), PasswordFlag: true, Password: []byte(password),
		},
	}
	if err := pk.ConnectEncode(&buf); err != nil {
		t.Fatal(err)
	}
	if _, err := a.conn.Write(buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 4) // type, length, flags, reason
	if _, err := io.ReadFull(a.conn, head); err != nil {
		t.Fatal(err)
	}
	return head[3]
}

// Guessing is slowed down where it comes from, and for whom.
func TestGuessedPasswords(t *testing.T) {
	b := limited(t, func(l *config.BuiltinLimits) { l.WrongPasswords = 5 }, plcUser, viewerUser)
	from := func(address, user, password string) byte {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: patience}
		conn, err := d.Dial("tcp", addressOf(b))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // a test's connection
		return (&attacker{t, conn}).connect("of-"+user, user, password, true)
	}
	for i := range 5 {
		if code := from("127.0.0.2", "plc", fmt.Sprint("guess-", i)); code != packets.ErrRefusedNotAuthorised {
			t.Fatalf("guess %d: CONNACK %d", i, code)
		}
	}
	for range 5 {
		from("127.0.0.2", "nobody-has-this-name", "x")
	}
	for _, test := range []struct {
		what, address, user, password string
		want                          byte
	}{
		{"one more guess", "127.0.0.2", "plc", "guess", packets.ErrRefusedServerUnavailable},
		{"the right one, from there", "127.0.0.2", "plc", "plc-secret", packets.ErrRefusedServerUnavailable},
		{"another name that there is not", "127.0.0.2", "another-name", "x", packets.ErrRefusedServerUnavailable},
		{"another user, from there", "127.0.0.2", "viewer", "viewer-secret", 0},
		{"the user, from elsewhere", "127.0.0.1", "plc", "plc-secret", 0},
		{"a guess from elsewhere", "127.0.0.3", "plc", "guess", packets.ErrRefusedNotAuthorised},
	} {
		if code := from(test.address, test.user, test.password); code != test.want {
			t.Errorf("%s: CONNACK %d, want %d", test.what, code, test.want)
		}
	}
	reachedAndSaid(t, b, "wrong_passwords")
}

// What is remembered of who guesses is bounded.
func TestGuessersAreBounded(t *testing.T) {
	a := newAttempts(10)
	for i := range 3 * mostGuessers {
		a.wrong(guesserOf(fmt.Sprintf("10.%d.%d.%d:1883", i>>16, i>>8&255, i&255), "plc"))
	}
	if n := len(a.guessers); n > mostGuessers {
		t.Errorf("%d are remembered", n)
	}
	r := newReached(b0())
	for i := range 3 * mostKinds {
		r.note(fmt.Sprint("login user-", i))
	}
	if n := len(r.kinds); n > mostKinds+1 {
		t.Errorf("%d kinds are counted", n)
	}
	if g, same := guesserOf("[2001:db8::1]:5", "plc"), guesserOf("[2001:db8::2:3]:7", "plc"); g != same {
		t.Errorf("%v and %v of one network", g, same)
	}
}
