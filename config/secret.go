package config

import (
	"fmt"
	"io"

	"faird/config/redact"
)

// Secret is a string that never shows: whatever prints or marshals it gets stars.
type Secret string

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redact.Stars
}

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format implements fmt.Formatter for every verb: %#v would print the value,
// and %d would beside its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// learn has every secret of the config masked in logs and errors from now on.
func (c *Config) learn() {
	redact.Learn(string(c.MQTT.Password), string(c.Sparkplug.Password))
	for _, u := range c.MQTT.Builtin.Users {
		redact.Learn(string(u.Password))
	}
	for _, address := range []string{c.MQTT.Broker, c.Sparkplug.Broker} {
		redact.LearnURL(address)
	}
	for _, s := range c.Stations {
		redact.LearnURL(s.Camera.URL)
	}
}
