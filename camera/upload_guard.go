package camera

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// crossSite tells requests that another site's page has a browser send, by
// Sec-Fetch-Site and Origin. Programs send neither.
var crossSite = http.NewCrossOriginProtection()

// guard refuses what a web page somewhere makes a browser on this network send.
func (s *upload) guard(r *http.Request) error {
	if !s.called(r.Host) {
		return refusal{http.StatusMisdirectedRequest, fmt.Errorf("this station is not called %s: use its address, or name it with host= in camera.url", r.Host)}
	}
	if crossSite.Check(r) != nil {
		return refusal{http.StatusForbidden, errors.New("the request comes from a page of another site")}
	}
	return nil
}

// called says whether a request's Host may be this station's. A name of somebody
// else's that resolves to 127.0.0.1 must not reach it (DNS rebinding); where a
// token is asked for, such a page does not know it.
func (s *upload) called(host string) bool {
	if s.settings.token != "" {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return isLoopback(strings.ToLower(host)) || s.settings.host != "" && strings.EqualFold(host, s.settings.host)
}

// knows compares the token in a time that tells nothing about it.
func (s *upload) knows(r *http.Request) bool {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.settings.token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(s.settings.token)) == 1
}
