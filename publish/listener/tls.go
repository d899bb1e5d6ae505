package listener

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"sync"
	"time"

	"faird/config"
)

// suites are those of TLS 1.2 that authenticate what they encrypt; TLS 1.3 has
// no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Certificates are the server's and the authorities of its clients, as they are
// in their files. Files that change are read anew; while they cannot be, the old
// ones serve.
type Certificates struct {
	files config.BuiltinTLS
	self  tls.Certificate // the daemon's own as a client, where clients need one

	mu     sync.Mutex
	looked time.Time
	stamp  []time.Time
	now    *tls.Config
	leaf   []byte
}

// LoadCertificates reads the files; its errors name the key within mqtt.builtin.tls.
func LoadCertificates(files config.BuiltinTLS) (*Certificates, error) {
	c := &Certificates{files: files}
	if why := config.WhyNotPrivate(files.Key); why != "" {
		return nil, fmt.Errorf("mqtt.builtin.tls.key: %s: chmod o-rwx it", why)
	}
	var err error
	if c.self, err = selfSigned(); err != nil {
		return nil, err
	}
	return c, c.load()
}

func (c *Certificates) load() error {
	stamp := c.modified()
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("mqtt.builtin.tls.cert and mqtt.builtin.tls.key: %w", err)
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, Certificates: []tls.Certificate{pair}}
	if c.files.ClientCA != "" {
		pem, err := os.ReadFile(c.files.ClientCA)
		if err != nil {
			return fmt.Errorf("mqtt.builtin.tls.client_ca: %w", err)
		}
		t.ClientCAs = x509.NewCertPool()
		if !t.ClientCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("mqtt.builtin.tls.client_ca: %s holds no certificate: it must be PEM", c.files.ClientCA)
		}
		t.ClientAuth = tls.RequireAnyClientCert // verified below: the daemon's own is signed by nobody
		t.VerifyConnection = func(s tls.ConnectionState) error { return c.verify(s, t.ClientCAs) }
	}
	c.now, c.stamp, c.leaf = t, stamp, pair.Certificate[0]
	return nil
}

// verify holds a client's certificate against the authorities.
func (c *Certificates) verify(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the client has shown no certificate")
	}
	if c.isSelf(s.PeerCertificates[0]) {
		return nil
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, cert := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}

func (c *Certificates) isSelf(cert *x509.Certificate) bool {
	return bytes.Equal(cert.Raw, c.self.Certificate[0])
}

func (c *Certificates) modified() (stamp []time.Time) {
	for _, path := range []string{c.files.Cert, c.files.Key, c.files.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			stamp = append(stamp, info.ModTime())
		}
	}
	return stamp
}

// refresh looks at the files at most once a second; mu is held.
func (c *Certificates) refresh() {
	if time.Since(c.looked) < time.Second {
		return
	}
	c.looked = time.Now()
	if !slices.EqualFunc(c.modified(), c.stamp, time.Time.Equal) {
		_ = c.load() // half written: the old ones serve until they are whole
	}
}

// Server is the newest config for one connection.
func (c *Certificates) Server() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	return c.now
}

// Client is for the daemon's own connections over the network: it takes the
// server for its own by the very certificate, whatever name is in it.
func (c *Certificates) Client() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // whichever authorities are asked for
			return &c.self, nil
		},
		InsecureSkipVerify: true, //nolint:gosec // verified below
		VerifyConnection: func(s tls.ConnectionState) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if !bytes.Equal(s.PeerCertificates[0].Raw, c.leaf) {
				return errors.New("another certificate than mqtt.builtin.tls.cert: another program answers at this address")
			}
			return nil
		},
	}
}

// selfSigned is a certificate for as long as the process lives.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "faird itself"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(100, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// CommonName is the one in the certificate that a connection's client has shown;
// "" where it has shown none. The certificate was verified.
func CommonName(conn any) string {
	c, is := conn.(*Conn)
	if !is {
		return ""
	}
	t, is := c.Conn.(*tls.Conn)
	if !is {
		return ""
	}
	if peers := t.ConnectionState().PeerCertificates; len(peers) > 0 {
		return peers[0].Subject.CommonName
	}
	return ""
}
