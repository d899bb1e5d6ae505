package camera

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

var defaultPorts = map[string]string{"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// withoutKeys is the URL as the camera gets it: without our keys, the rest of
// the query untouched.
func withoutKeys(u *url.URL, own []string) string {
	out := *u
	var rest []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if pair != "" && !slices.Contains(own, key) {
			rest = append(rest, pair)
		}
	}
	out.RawQuery = strings.Join(rest, "&")
	out.Fragment = ""
	return out.String()
}

// reach finds out whether anybody is there, and names the cause where nobody is.
func reach(ctx context.Context, address string, timeout time.Duration) error {
	d := net.Dialer{Timeout: timeout * 8 / 10}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: is the camera on, and the address right?", err)
	}
	return conn.Close()
}
