package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// MQTT says which broker, how to reach it, and what PLCs may do.
type MQTT struct {
	Broker       string        `mapstructure:"broker"` // tcp://, ssl://, ws://, wss:// URL; "" is the built-in broker. Load turns mqtt:// and mqtts:// into tcp:// and ssl:// and adds the port
	ClientID     string        `mapstructure:"client_id"`
	Username     string        `mapstructure:"username"`
	Password     Secret        `mapstructure:"password"` // Load reads PasswordFile into it
	PasswordFile string        `mapstructure:"password_file"`
	KeepAlive    time.Duration `mapstructure:"keep_alive"`
	Timeout      time.Duration `mapstructure:"timeout"` // for connecting and for each acknowledgement
	TLS          TLS           `mapstructure:"tls"`
	Builtin      Builtin       `mapstructure:"builtin"`
	Commands     bool          `mapstructure:"commands"` // whether command topics are obeyed
}

// TLS of the connection to a broker.
type TLS struct {
	CA         string `mapstructure:"ca"`   // PEM file; "" is the system's
	Cert       string `mapstructure:"cert"` // PEM file of the client's certificate
	Key        string `mapstructure:"key"`
	ServerName string `mapstructure:"server_name"`
}

func defaultMQTT() MQTT {
	return MQTT{
		KeepAlive: 30 * time.Second,
		Timeout:   5 * time.Second,
		Builtin:   Builtin{Listen: "127.0.0.1:1883", Limits: DefaultLimits()},
	}
}

// brokerSchemes maps what people write to what the client library calls it.
var brokerSchemes = map[string]string{
	"tcp": "tcp", "mqtt": "tcp",
	"ssl": "ssl", "tls": "ssl", "mqtts": "ssl",
	"ws": "ws", "wss": "wss",
}

// brokerPorts are the registered ports; the client library needs one for these two.
var brokerPorts = map[string]string{"tcp": "1883", "ssl": "8883"}

// parseBroker gives the one spelling of a broker's address.
func parseBroker(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("not the address of a broker")
	}
	scheme, known := brokerSchemes[u.Scheme]
	if !known {
		return nil, fmt.Errorf("unknown scheme %q", u.Scheme)
	}
	u.Scheme = scheme
	if port := brokerPorts[scheme]; port != "" && u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u, nil
}

func (k *checker) mqtt(m *MQTT) {
	k.positive("mqtt.timeout", m.Timeout)
	if m.KeepAlive < time.Second || m.KeepAlive > 18*time.Hour {
		k.bad("mqtt.keep_alive", m.KeepAlive.String()+" is out of range", "give 1s to 18h")
	}
	if m.Password != "" && m.Username == "" {
		k.bad("mqtt.username", "missing, but there is a password", "name the user the password is for")
	}
	if m.Broker == "" {
		k.builtin(m.Builtin)
		return
	}
	m.Broker = k.broker("mqtt", m.Broker, m.TLS)
}

// broker gives the one spelling of a section's broker.
func (k *checker) broker(section, broker string, t TLS) string {
	u, err := parseBroker(broker)
	if err != nil {
		k.bad(section+".broker", err.Error(), "write tcp://host:1883 or ssl://host:8883 (or ws://, wss://)")
		return broker
	}
	if u.User != nil {
		k.bad(section+".broker", "holds a user", fmt.Sprintf("move it to %[1]s.username and %[1]s.password_file", section))
		return broker
	}
	k.tls(section, t, u.Scheme == "ssl" || u.Scheme == "wss")
	return u.String()
}

func (k *checker) tls(section string, t TLS, encrypted bool) {
	if t != (TLS{}) && !encrypted {
		k.bad(section+".tls", fmt.Sprintf("set, but %s.broker is not encrypted", section), fmt.Sprintf("write ssl:// or wss:// in %s.broker", section))
	}
	if (t.Cert == "") != (t.Key == "") {
		k.bad(section+".tls", "cert and key go together", "give both or neither")
	}
}

// loopback holds for hosts that only this machine can reach.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
