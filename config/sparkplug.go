package config

import (
	"strings"
	"time"
	"unicode"
)

// Sparkplug says whether the box is an edge node of Sparkplug B, and of whom.
type Sparkplug struct {
	Enabled      bool          `mapstructure:"enabled"`
	Group        string        `mapstructure:"group"`        // "": the site
	Node         string        `mapstructure:"node"`         // "": the box
	PrimaryHost  string        `mapstructure:"primary_host"` // "": none is waited for
	Grace        time.Duration `mapstructure:"grace"`        // how long the primary host may be dead before the broker says so
	Broker       string        `mapstructure:"broker"`       // "": that of MQTT, and with it all that follows but ClientID
	ClientID     string        `mapstructure:"client_id"`
	Username     string        `mapstructure:"username"`
	Password     Secret        `mapstructure:"password"` // Load reads PasswordFile into it
	PasswordFile string        `mapstructure:"password_file"`
	TLS          TLS           `mapstructure:"tls"`
}

func defaultSparkplug() Sparkplug { return Sparkplug{Grace: 30 * time.Second} }

func (k *checker) sparkplug(s *Sparkplug) {
	for key, id := range map[string]string{"group": s.Group, "node": s.Node, "primary_host": s.PrimaryHost} {
		if strings.ContainsAny(id, "+/#") || strings.ContainsFunc(id, unicode.IsControl) {
			k.bad("sparkplug."+key, "cannot be part of a topic", "leave out + / # and control characters")
		}
	}
	if s.Grace < 0 {
		k.bad("sparkplug.grace", s.Grace.String()+" is negative", "give 0s or more")
	}
	if s.Password != "" && s.Username == "" {
		k.bad("sparkplug.username", "missing, but there is a password", "name the user the password is for")
	}
	if s.Broker == "" {
		if s.Username != "" || s.TLS != (TLS{}) {
			k.bad("sparkplug.broker", "missing, but there is a user or tls for it", "name the broker, or leave all to mqtt")
		}
		return
	}
	s.Broker = k.broker("sparkplug", s.Broker, s.TLS)
}
