package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"faird/config"
)

// certificate is the server's; a file that changes is read anew.
type certificate struct {
	files config.Certificate

	mu     sync.Mutex
	looked time.Time
	stamp  [2]time.Time
	pair   *tls.Certificate
}

func newCertificate(c config.Certificate) (*certificate, error) {
	out := &certificate{files: c}
	if err := out.load(); err != nil {
		return nil, fmt.Errorf("web.tls: %w", err)
	}
	return out, nil
}

func (c *certificate) load() error {
	stamp := c.modified()
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return err
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

func (c *certificate) modified() (stamp [2]time.Time) {
	for i, path := range []string{c.files.Cert, c.files.Key} {
		if info, err := os.Stat(path); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	return stamp
}

// current is the newest certificate that could be read.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > time.Second {
		c.looked = time.Now()
		if c.modified() != c.stamp {
			_ = c.load() // half written: the old one serves until it is whole
		}
	}
	return c.pair, nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.current, NextProtos: []string{"h2", "http/1.1"}}
}
