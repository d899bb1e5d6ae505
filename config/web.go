package config

import (
	"fmt"
	"net"
	"time"
)

// Web is the operator's page and the HTTP API.
type Web struct {
	Listen  string        `mapstructure:"listen"`  // host:port; "" is no page
	Host    string        `mapstructure:"host"`    // the name in people's address bar, where a proxy stands before it
	Viewers string        `mapstructure:"viewers"` // who may look without a log-in: auto (everyone on loopback), everyone, users
	Users   string        `mapstructure:"users"`   // file; Load turns "" into users.json in store.path
	Session time.Duration `mapstructure:"session"` // longest log-in
	TLS     Certificate   `mapstructure:"tls"`
}

// Certificate is what a server shows of itself.
type Certificate struct {
	Cert string `mapstructure:"cert"` // PEM file; "" is no TLS
	Key  string `mapstructure:"key"`
}

func defaultWeb() Web {
	return Web{Listen: "127.0.0.1:8080", Viewers: "auto", Session: 12 * time.Hour}
}

// Loopback says whether only this machine can reach the page.
func (w Web) Loopback() bool {
	host, _, err := net.SplitHostPort(w.Listen)
	return err == nil && loopback(host)
}

// Anyone says whether looking needs no log-in.
func (w Web) Anyone() bool { return w.Viewers == "everyone" || w.Viewers == "auto" && w.Loopback() }

func (k *checker) web(w Web) {
	k.oneOf("web.viewers", w.Viewers, "auto", "everyone", "users")
	k.positive("web.session", w.Session)
	if (w.TLS.Cert == "") != (w.TLS.Key == "") {
		k.bad("web.tls", "cert and key go together", "give both or neither")
	}
	if w.Listen == "" {
		return
	}
	if _, port, err := net.SplitHostPort(w.Listen); err != nil || port == "" {
		k.bad("web.listen", fmt.Sprintf("%q is not host:port", w.Listen), "write 127.0.0.1:8080, or leave it empty for no page")
		return
	}
	if !w.Loopback() && w.TLS.Cert == "" {
		k.warn("web.listen", w.Listen+" can be reached from other machines, and passwords go over the network unencrypted",
			"give web.tls a certificate")
	}
}
