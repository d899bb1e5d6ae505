package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/publish/mosquitto"
)

// selfSigned writes a certificate for 127.0.0.1 that is valid for so long.
func selfSigned(t *testing.T, valid time.Duration) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(valid),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func accessList(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const identityLines = "site: plant1\nbox: edge7\n"

func TestBrokerWithRights(t *testing.T) {
	address := mosquitto.New(t, "allow_anonymous true").Addr
	d := of(t, identityLines+"mqtt: {broker: 'tcp://"+address+"', commands: true, timeout: 30s}\nsparkplug: {enabled: true, primary_host: scada}")
	list := d.checkBroker(t.Context())
	says(t, list, LevelOK, "comes back")
	if len(list) != 1 {
		t.Errorf("%+v", list)
	}
	says(t, d.checkSparkplug(t.Context()), LevelOK, "group plant1, node edge7")
	// Nothing retained is left behind: a second look finds only its own message.
	says(t, d.checkBroker(t.Context()), LevelOK, "comes back")
	out, _ := exec.Command("mosquitto_sub", "-p", address[strings.LastIndex(address, ":")+1:], "-t", "faird/#", "-W", "2").CombinedOutput()
	if strings.TrimSpace(strings.ReplaceAll(string(out), "Timed out", "")) != "" {
		t.Errorf("retained: %q", out)
	}
}

func TestBrokerWithoutRights(t *testing.T) {
	acl := "acl_file " + accessList(t, "topic read faird/#")
	for more, want := range map[string]string{ // what mosquitto does to who may not write hangs on its queue
		"max_queued_messages 0":    "the broker closed the connection",
		"max_queued_messages 1000": "does not come back",
	} {
		readOnly := mosquitto.New(t, "allow_anonymous true", acl, more).Addr
		list := of(t, identityLines+"mqtt: {broker: 'tcp://"+readOnly+"', timeout: 3s}").checkBroker(t.Context())
		says(t, list, LevelFail, want)
	}
	closed := mosquitto.New(t, "allow_anonymous false", "password_file "+accessList(t)).Addr
	says(t, of(t, identityLines+"mqtt: {broker: 'tcp://"+closed+"', username: u, password: wrong, timeout: 30s}").checkBroker(t.Context()), LevelFail, `refuses user "u"`)
	says(t, of(t, "mqtt: {broker: 'tcp://127.0.0.1:1', timeout: 30s}").checkBroker(t.Context()), LevelFail, "nothing listens there")
}

func TestBrokerWithTLS(t *testing.T) {
	for _, c := range []struct {
		valid        time.Duration
		level, words string
	}{
		{24 * 90 * time.Hour, LevelOK, "the broker's certificate 1 (test) is valid until"},
		{24 * 90 * time.Hour, LevelOK, "TLS 1.3"},
		{24 * 10 * time.Hour, LevelWarn, "expires on"},
		{-time.Hour, LevelFail, "expired"},
	} {
		cert, key := selfSigned(t, c.valid)
		address := mosquitto.New(t, "allow_anonymous true", "certfile "+cert, "keyfile "+key).Addr
		list := of(t, identityLines+"mqtt: {broker: 'ssl://"+address+"', tls: {ca: "+cert+"}, timeout: 30s}").checkBroker(t.Context())
		says(t, list, c.level, c.words)
	}
}

func TestWebCertificate(t *testing.T) {
	cert, key := selfSigned(t, 24*5*time.Hour)
	_, other := selfSigned(t, time.Hour)
	web := "web: {listen: '127.0.0.1:0', viewers: users, tls: {cert: %s, key: %s}}"
	list := of(t, fmt.Sprintf(web, cert, key)).checkWeb(t.Context())
	says(t, list, LevelWarn, "in 4 day(s)")
	says(t, list, LevelWarn, "nobody can look")
	says(t, of(t, fmt.Sprintf(web, cert, other)).checkWeb(t.Context()), LevelFail, "does not match")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, of(t, fmt.Sprintf(web, cert, key)).checkWeb(t.Context()), LevelWarn, "every user")
	says(t, of(t, "web: {listen: ''}").checkWeb(t.Context()), LevelOK, "no page")
}
