package config

import "fmt"

// Handshake is the agreement with a PLC on who has seen what (docs/handshake.md).
type Handshake struct {
	Enabled       bool `mapstructure:"enabled"`
	ResultsBuffer int  `mapstructure:"results_buffer"` // results that wait for the PLC's ack, the one shown included
}

// AckRequired as a station's ack keeps a verdict in the outbox until a
// subscriber of the built-in broker has acknowledged it.
const AckRequired = "required"

// maxResults bounds what a PLC that never acknowledges makes the daemon keep.
const maxResults = 1000

func defaultHandshake() Handshake { return Handshake{ResultsBuffer: 8} }

// delivery checks what stations ask of the broker and of their PLC.
func (k *checker) delivery(c *Config) {
	for i, s := range c.Stations {
		key := k.item("stations", i)
		k.oneOf(key+".ack", s.Ack, "broker", AckRequired)
		if s.Ack == AckRequired && c.MQTT.Broker != "" {
			k.bad(key+".ack", "required, but only the built-in broker knows what subscribers have",
				"take mqtt.broker out, or set ack to broker")
		}
		k.handshake(key+".handshake", s)
	}
}

func (k *checker) handshake(key string, s Station) {
	if n := s.Handshake.ResultsBuffer; n < 1 || n > maxResults {
		k.bad(key+".results_buffer", fmt.Sprintf("%d is out of range", n), fmt.Sprintf("give 1 to %d", maxResults))
	}
	if s.Handshake.Enabled && s.Trigger.Mode != "mqtt" {
		k.bad(key+".enabled", "set, but trigger.mode is "+s.Trigger.Mode, "set trigger.mode to mqtt: the PLC begins each cycle")
	}
}
