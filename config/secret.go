package config

import (
	"fmt"
	"io"
	"regexp"
)

// Secret is a string that never shows: whatever prints or marshals it gets stars.
type Secret string

const stars = "******"

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return stars
}

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format implements fmt.Formatter for every verb: %#v would print the value,
// and %d would beside its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

var (
	// userinfo is user:password@ in an address, or in a GStreamer pipeline
	// with an address inside. Rather too much is masked than too little.
	userinfo = regexp.MustCompile(`(://[^\s/:@]*):\S*@`)
	// parameter is a password as a query's or a GStreamer element's property.
	parameter = regexp.MustCompile(`(?i)((?:user-pw|pass|password|passwd|pwd|token)=)("[^"]*"|[^\s&]+)`)
)

// Redact gives an address fit for logs: passwords in it become stars.
func Redact(address string) string {
	address = userinfo.ReplaceAllString(address, "${1}:"+stars+"@")
	return parameter.ReplaceAllString(address, "${1}"+stars)
}
