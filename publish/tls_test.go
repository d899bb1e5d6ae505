package publish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"faird/config"
	"faird/config/redact"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// authority issues certificates for a test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	a.cert = a.sign(template, template, a.key)
	a.file = a.write("ca.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// issue returns the files of a certificate for a name that is valid until then.
func (a *authority) issue(name string, until time.Time) (cert, key string) {
	k := newKey(a.t)
	c := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-47 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, k)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	unique := fmt.Sprint(c.SerialNumber)
	return a.write(unique+".pem", "CERTIFICATE", c.Raw), a.write(unique+".key", "EC PRIVATE KEY", der)
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

func TestTLS(t *testing.T) {
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	later, past := time.Now().Add(time.Hour), time.Now().Add(-24*time.Hour)
	broker := func(until time.Time, lines ...string) *mosquitto.Broker {
		cert, key := ours.issue("broker", until)
		return mosquitto.New(t, append(lines, "allow_anonymous true", "certfile "+cert, "keyfile "+key)...)
	}
	good, expired := broker(later), broker(past)
	strict := broker(later, "require_certificate true", "cafile "+ours.file)
	cert, key := ours.issue("edge7", later)
	oldCert, oldKey := ours.issue("edge7", past)
	otherCert, otherKey := foreign.issue("edge7", later)
	tests := []struct {
		name   string
		broker *mosquitto.Broker
		tls    config.TLS
		err    string // "" connects
	}{
		{"right", good, config.TLS{CA: ours.file}, ""},
		{"right, by name", good, config.TLS{CA: ours.file, ServerName: "broker"}, ""},
		{"client certificate", strict, config.TLS{CA: ours.file, Cert: cert, Key: key}, ""},
		{"unknown authority", good, config.TLS{CA: foreign.file}, "mqtt.tls.ca"},
		{"the system's authorities", good, config.TLS{}, "mqtt.tls.ca"},
		{"another name", good, config.TLS{CA: ours.file, ServerName: "elsewhere"}, "mqtt.tls.server_name"},
		{"expired", expired, config.TLS{CA: ours.file}, "has expired"},
		{"no client certificate", strict, config.TLS{CA: ours.file}, "mqtt.tls.cert"},
		{"foreign client certificate", strict, config.TLS{CA: ours.file, Cert: otherCert, Key: otherKey}, "mqtt.tls.cert"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBox(t, config.MQTT{Broker: "ssl://" + test.broker.Addr, TLS: test.tls, Timeout: 2 * time.Second}, true)
			b.SetStations([]string{"cap"})
			b.run(t)
			if test.err == "" {
				b.connected(t)
				b.decide(newVerdict("cap", 1, verdict.Pass))
				eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
				return
			}
			eventually(t, test.err, func() bool { return strings.Contains(b.Status().Err, test.err) })
		})
	}
	_, err := New(config.MQTT{Broker: "ssl://127.0.0.1:1", TLS: config.TLS{Cert: oldCert, Key: oldKey}}, testBox, nil, nil, b0())
	if err == nil || !strings.Contains(err.Error(), "expired on") {
		t.Errorf("our own expired certificate: %v", err)
	}
}

// The built-in broker speaks TLS, and knows users by their certificates.
func TestBuiltinTLS(t *testing.T) {
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	later := time.Now().Add(time.Hour)
	cert, key := ours.issue("box", later)
	plcCert, plcKey := ours.issue("plc", later)
	viewerCert, viewerKey := ours.issue("viewer", later)
	otherCert, otherKey := foreign.issue("plc", later)
	users := []config.User{{Name: "plc", Write: true}, {Name: "viewer", Password: "viewer-secret"}}
	start := func(tls config.BuiltinTLS, users ...config.User) *box {
		b := newBox(t, config.MQTT{Builtin: config.Builtin{Listen: "127.0.0.1:0", TLS: tls, Users: users}}, true)
		b.SetStations([]string{"cap"})
		b.run(t).connected(t)
		eventually(t, "it serves clients", func() bool { return b.Builtin().Err == "" })
		return b
	}
	plain := start(config.BuiltinTLS{Cert: cert, Key: key}, viewerUser)
	certified := start(config.BuiltinTLS{Cert: cert, Key: key, ClientCA: ours.file}, users...)
	tests := []struct {
		name           string
		b              *box
		tls            config.TLS
		user, password string
		in             bool
	}{
		{"by name and password", plain, config.TLS{CA: ours.file}, "viewer", "viewer-secret", true},
		{"wrong password", plain, config.TLS{CA: ours.file}, "viewer", "wrong", false},
		{"no certificate", certified, config.TLS{CA: ours.file}, "viewer", "viewer-secret", false},
		{"foreign certificate", certified, config.TLS{CA: ours.file, Cert: otherCert, Key: otherKey}, "plc", "", false},
		{"certificate and password", certified, config.TLS{CA: ours.file, Cert: plcCert, Key: plcKey}, "viewer", "viewer-secret", true},
		{"certificate alone", certified, config.TLS{CA: ours.file, Cert: plcCert, Key: plcKey}, "", "", true},
		{"certificate and name", certified, config.TLS{CA: ours.file, Cert: plcCert, Key: plcKey}, "plc", "", true},
		{"another's certificate", certified, config.TLS{CA: ours.file, Cert: viewerCert, Key: viewerKey}, "plc", "", false},
		{"certificate in place of a password", certified, config.TLS{CA: ours.file, Cert: viewerCert, Key: viewerKey}, "viewer", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := Access{Section: "mqtt", Broker: test.b.Status().Broker, ClientID: "c", User: test.user, Password: test.password, TLS: test.tls, Timeout: patience, KeepAlive: time.Minute}
			tried, err := Try(t.Context(), a, []string{prefix + "+/verdict"}, "")
			if in := err == nil; in != test.in {
				t.Errorf("in %t, want %t: %v", in, test.in, err)
			}
			if test.in && tried.TLS != "TLS 1.3" {
				t.Errorf("it is %q", tried.TLS)
			}
		})
	}
	if !strings.HasPrefix(plain.Status().Broker, "ssl://") {
		t.Errorf("its address is %s", plain.Status().Broker)
	}
	ciphers(t, plain)
	renewed(t, plain, ours, cert, key)
}

// ciphers holds that only what authenticates what it encrypts is spoken.
func ciphers(t *testing.T, b *box) {
	t.Helper()
	for _, test := range []struct {
		name string
		c    *tls.Config
		ok   bool
	}{
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"CBC", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"GCM", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, true},
	} {
		test.c.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", addressOf(b), test.c)
		if ok := err == nil; ok != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// renewed holds that a certificate that is replaced is shown, and that the
// broker still knows itself.
func renewed(t *testing.T, b *box, a *authority, cert, key string) {
	t.Helper()
	newCert, newKey := a.issue("renewed", time.Now().Add(time.Hour))
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the new certificate", func() bool {
		time.Sleep(100 * time.Millisecond)
		conn, err := tls.Dial("tcp", addressOf(b), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName == "renewed"
	})
	if _, err := b.broker.roundTrip(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUserAndPassword(t *testing.T) {
	dir := t.TempDir()
	passwords := filepath.Join(dir, "passwords")
	if err := os.WriteFile(passwords, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mosquitto_passwd", "-b", passwords, "faird", "s3cret").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	acl := filepath.Join(dir, "acl")
	if err := os.WriteFile(acl, []byte("user faird\ntopic write faird/plant1/edge7/#\ntopic read faird/plant1/edge7/+/trigger\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := mosquitto.New(t, "allow_anonymous false", "password_file "+passwords, "acl_file "+acl)
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBox(t, config.MQTT{Broker: m.URL(), Username: "faird", PasswordFile: file}, true)
	b.SetStations([]string{"cap"})
	attempts := 0
	b.OnTurn(func() { attempts++ })
	b.run(t)
	eventually(t, "refused", func() bool { return strings.Contains(b.Status().Err, `refuses user "faird": check mqtt.username`) })
	time.Sleep(500 * time.Millisecond) // a few more attempts
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.connected(t) // the file is read anew
	b.decide(newVerdict("cap", 1, verdict.Pass))
	eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
	b.stop()
	if n := strings.Count(b.logged.String(), "refuses user"); n != 1 || attempts < 6 {
		t.Errorf("said %d times in %d turns, want once\n%s", n, attempts, b.logged)
	}
	if strings.Contains(b.logged.String(), "s3cret") {
		t.Error("the password is in the log")
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nonsense.pem")
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "open.key")
	if err := os.WriteFile(open, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	user := []config.User{{Name: "plc", Password: "plc-secret"}}
	tests := []struct {
		name, want string
		c          config.MQTT
		id         Identity
	}{
		{"URL", "mqtt.broker", config.MQTT{Broker: "broker.local"}, testBox},
		{"scheme", "mqtt.broker", config.MQTT{Broker: "http://broker:1883"}, testBox},
		{"password file", "mqtt.password_file", config.MQTT{Broker: "tcp://a:1", PasswordFile: "/nowhere"}, testBox},
		{"ca missing", "mqtt.tls.ca", config.MQTT{Broker: "ssl://a:1", TLS: config.TLS{CA: "/nowhere"}}, testBox},
		{"ca nonsense", "mqtt.tls.ca", config.MQTT{Broker: "ssl://a:1", TLS: config.TLS{CA: file}}, testBox},
		{"cert", "mqtt.tls.cert", config.MQTT{Broker: "wss://a:1", TLS: config.TLS{Cert: file, Key: file}}, testBox},
		{"site", "site", config.MQTT{Broker: "tcp://a:1"}, Identity{Site: "a/b", Box: "c"}},
		{"box", "box", config.MQTT{Broker: "tcp://a:1"}, Identity{Site: "a"}},
		{"listen", "mqtt.builtin.listen", config.MQTT{Builtin: config.Builtin{Listen: "1883"}}, testBox},
		{"beyond", "mqtt.builtin.users", config.MQTT{Builtin: config.Builtin{Listen: "0.0.0.0:0"}}, testBox},
		{"beyond, every address", "mqtt.builtin.users", config.MQTT{Builtin: config.Builtin{Listen: ":0"}}, testBox},
		{"nameless", "users[0]", config.MQTT{Builtin: config.Builtin{Users: []config.User{{Password: "plc-secret"}}}}, testBox},
		{"without password", "users[0]", config.MQTT{Builtin: config.Builtin{Users: []config.User{{Name: "x"}}}}, testBox},
		{"twice", "users[1]", config.MQTT{Builtin: config.Builtin{Users: append(user, user...)}}, testBox},
		{"short password", "fewer than 10", config.MQTT{Builtin: config.Builtin{Users: []config.User{{Name: "x", Password: "short"}}}}, testBox},
		{"a shown config's password", "config show", config.MQTT{Builtin: config.Builtin{Users: []config.User{{Name: "x", Password: redact.Stars}}}}, testBox},
		{"open key", "chmod o-rwx", config.MQTT{Builtin: config.Builtin{TLS: config.BuiltinTLS{Cert: file, Key: open}}}, testBox},
		{"no pair", "mqtt.builtin.tls.cert", config.MQTT{Builtin: config.Builtin{TLS: config.BuiltinTLS{Cert: file, Key: file}}}, testBox},
		{"password file of a user", "users[0].password_file", config.MQTT{Builtin: config.Builtin{Users: []config.User{{Name: "x", PasswordFile: "/nowhere"}}}}, testBox},
	}
	for _, test := range tests {
		if _, err := New(test.c, test.id, nil, nil, b0()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v does not say %q", test.name, err, test.want)
		}
	}
}

// openDoor lets everybody do everything.
type openDoor struct{ mochi.HookBase }

func (*openDoor) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck
}
func (*openDoor) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }
func (*openDoor) OnACLCheck(*mochi.Client, string, bool) bool              { return true }

// TestWebsocket uses another broker than mosquitto, whose Debian build opens no
// websocket listener where there is no IPv6.
func TestWebsocket(t *testing.T) {
	addr := mosquitto.FreeAddr(t)
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(new(openDoor), nil); err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(listeners.NewWebsocket(listeners.Config{ID: "ws", Address: addr})); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	b := newBox(t, config.MQTT{Broker: "ws://" + addr}, true)
	b.run(t).connected(t)
	c := newPLC(t, "ws://"+addr)
	b.decide(newVerdict("cap", 1, verdict.Pass))
	eventually(t, "it came", func() bool { return len(c.on("cap/verdict")) == 1 })
	c.client.Disconnect(50)
	b.stop()
}
