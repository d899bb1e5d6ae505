package publish

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
	"faird/config/redact"
)

// writeTimeout bounds one write, and so what a stop may have to wait for.
const writeTimeout = time.Second

func withDefaults(c config.MQTT) config.MQTT {
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = 30 * time.Second
	}
	return c
}

func checkIdentity(id Identity) error {
	for _, n := range []struct{ key, name string }{{"site", id.Site}, {"box", id.Box}} {
		if n.name == "" || strings.ContainsAny(n.name, "/+#\x00") {
			return fmt.Errorf("%s: %q cannot be part of an MQTT topic: use letters, digits, - and _", n.key, n.name)
		}
	}
	return nil
}

// options are those of one connection; files are read anew for each, since
// certificates and passwords are replaced while a box runs.
func (p *Publisher) options(dial mqtt.OpenConnectionFunc) (*mqtt.ClientOptions, error) {
	a, err := p.access()
	if err != nil {
		return nil, err
	}
	o, err := a.options(dial)
	if err != nil {
		return nil, err
	}
	o.SetBinaryWill(p.topics.box("state"), p.offline("connection lost", time.Time{}), 1, true)
	return o, nil
}

// access is how this box's broker is reached.
func (p *Publisher) access() (Access, error) {
	a := Access{
		Section: "mqtt", ClientID: p.config.ClientID, TLS: p.config.TLS,
		Timeout: p.config.Timeout, KeepAlive: p.config.KeepAlive,
	}
	var err error
	a.Broker, a.User, a.Password, err = p.address()
	switch {
	case p.broker != nil:
		a.ClientID, a.TLS, a.within = a.User, config.TLS{}, p.broker.listener.Dial
	case a.ClientID == "":
		a.ClientID = "faird-" + p.id.Site + "-" + p.id.Box
	}
	return a, err
}

// address returns the broker with the credentials for it.
func (p *Publisher) address() (broker, user, password string, err error) {
	if p.broker != nil {
		broker, user, password = p.broker.access()
		return broker, user, password, nil
	}
	u, err := url.Parse(p.config.Broker)
	if err != nil || u.Host == "" || !known(u.Scheme) {
		return "", "", "", fmt.Errorf("mqtt.broker: %s is no broker's URL: write tcp://host:1883, ssl://host:8883, ws:// or wss://", redact.URL(p.config.Broker))
	}
	user, password = p.config.Username, string(p.config.Password)
	if p.config.PasswordFile != "" {
		password, err = config.ReadSecret(p.config.PasswordFile)
		if err != nil {
			return "", "", "", fmt.Errorf("mqtt.password_file: %w: put the password into this file, readable to faird", err)
		}
	}
	return p.config.Broker, user, password, nil
}

func known(scheme string) bool {
	switch scheme {
	case "tcp", "mqtt", "ssl", "tls", "mqtts", "ws", "wss":
		return true
	}
	return false
}

func isTLS(broker string) bool {
	for _, scheme := range []string{"ssl://", "tls://", "mqtts://", "wss://"} {
		if strings.HasPrefix(broker, scheme) {
			return true
		}
	}
	return false
}
