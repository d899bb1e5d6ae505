package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSparkplug(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"shared":              {"enabled: true\n  primary_host: scada", ""},
		"own broker":          {"broker: mqtts://host\n  username: a\n  password: b\n  tls: {server_name: x}", ""},
		"id":                  {"node: a/b", "sparkplug.node: cannot be part of a topic"},
		"grace":               {"grace: -1s", "sparkplug.grace: -1s is negative"},
		"user of no broker":   {"username: a", "sparkplug.broker: missing"},
		"tls of no broker":    {"tls: {server_name: x}", "sparkplug.broker: missing"},
		"plain with tls":      {"broker: tcp://host\n  tls: {server_name: x}", "sparkplug.tls: set, but sparkplug.broker is not encrypted"},
		"no broker":           {"broker: host", "sparkplug.broker: not the address of a broker"},
		"password, no user":   {"broker: tcp://host\n  password: b", "sparkplug.username: missing"},
		"password twice":      {"broker: tcp://host\n  username: a\n  password: b\n  password_file: c", "sparkplug.password_file: given beside password"},
		"certificate, no key": {"broker: ssl://host\n  tls: {cert: a.pem}", "sparkplug.tls: cert and key go together"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), "sparkplug:\n  "+test.text+"\n"), nil)
			switch {
			case test.want != "":
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			case err != nil:
				t.Error(err)
			case c.Sparkplug.Broker != "" && c.Sparkplug.Broker != "ssl://host:8883":
				t.Errorf("broker %s", c.Sparkplug.Broker)
			}
		})
	}
}
