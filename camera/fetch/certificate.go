package fetch

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ParsePin reads a certificate's SHA-256 fingerprint as openssl and browsers
// write it: 64 hexadecimal digits, with or without colons.
func ParsePin(text string) ([]byte, error) {
	pin, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New("a certificate's SHA-256 fingerprint has 64 hexadecimal digits: openssl x509 -noout -fingerprint -sha256 -in camera.pem writes it")
	}
	return pin, nil
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// TLS is how certificates are checked.
func (s Settings) TLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		pool, err := authorities(s.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	if s.Pin != nil {
		// The certificate itself is compared instead, names and dates are not:
		// cameras come with certificates for no name, valid since 1970.
		config.InsecureSkipVerify = true
		config.VerifyConnection = s.pinned
	}
	return config, nil
}

func (s Settings) pinned(c tls.ConnectionState) error {
	sum := sha256.Sum256(c.PeerCertificates[0].Raw)
	if !bytes.Equal(sum[:], s.Pin) {
		return fmt.Errorf("the camera shows another certificate than tls_pin names, with the fingerprint %x: find out whether it was renewed before you write that", sum)
	}
	return nil
}

// authorities are those of the system and of a file.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("tls_ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls_ca: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

// ExplainCertificate adds to the refusal of a certificate what to do about it.
func ExplainCertificate(err error) error {
	var e *tls.CertificateVerificationError
	if !errors.As(err, &e) || len(e.UnverifiedCertificates) == 0 {
		return err
	}
	return fmt.Errorf("%w: give the authority's certificate with tls_ca=/file.pem; or, if the camera made its own and has the SHA-256 fingerprint %s, pin it with tls_pin=%s",
		err, fingerprint(e.UnverifiedCertificates[0]), fingerprint(e.UnverifiedCertificates[0]))
}
