package config

import (
	"fmt"
	"io"
	"net/url"
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

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// Format implements fmt.Formatter: verbs such as %d would print the value
// beside their complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// userinfo finds user:password@ in addresses that url.Parse refuses, such as
// GStreamer pipelines with an RTSP location inside.
var userinfo = regexp.MustCompile(`(://[^\s/:@]*):[^\s/@]*@`)

// Redact gives an address fit for logs: passwords in it become stars.
func Redact(address string) string {
	if u, err := url.Parse(address); err == nil && u.User == nil && u.Opaque == "" {
		return address
	}
	return userinfo.ReplaceAllString(address, "${1}:"+stars+"@")
}
