package publish

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
)

// tlsConfig reads the certificates; its errors name the key within the section.
func tlsConfig(c config.TLS, section string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("%s.tls.ca: %w", section, err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s.tls.ca: %s holds no certificate: it must be PEM", section, c.CA)
		}
	}
	if c.Cert == "" && c.Key == "" {
		return t, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("%[1]s.tls.cert and %[1]s.tls.key: %[2]w", section, err)
	}
	if err := inTime(pair, section+".tls.cert: "+c.Cert, time.Now()); err != nil {
		return nil, err
	}
	t.Certificates = []tls.Certificate{pair}
	return t, nil
}

// inTime says what a broker only hints at.
func inTime(pair tls.Certificate, file string, now time.Time) error {
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("%s expired on %s: replace it", file, leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("%s is valid only from %s: check the clock", file, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// explain says what is behind a failed connection and which key to look at.
func (a Access) explain(err error) error {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var op *net.OpError
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return fmt.Errorf("the broker refuses user %q: check %[2]s.username and %[2]s.password: %[3]w", a.User, a.Section, err)
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return fmt.Errorf("the broker refuses the client id: check %s.client_id: %w", a.Section, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the broker's certificate has expired or is not valid yet: renew it, or set the clock: %w", err)
	case errors.As(err, &authority):
		return fmt.Errorf("the broker's certificate is signed by an authority that is not known here: check %s.tls.ca: %w", a.Section, err)
	case errors.As(err, &host):
		return fmt.Errorf("the broker's certificate is for another name: check %[1]s.broker or %[1]s.tls.server_name: %[2]w", a.Section, err)
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert
		return fmt.Errorf("the broker refuses this box's certificate: check %s.tls.cert: %w", a.Section, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens there: check %s.broker, and that the broker runs: %w", a.Section, err)
	default:
		return fmt.Errorf("connect: %w", err)
	}
}
