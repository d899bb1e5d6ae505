package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/icholy/digest"
)

// authentication gives a user and password in the way that the camera asks for.
type authentication struct {
	user      *url.Userinfo // nil: none were given
	challenge *digest.Challenge
	count     int  // requests that used the challenge
	basic     bool // the camera asked for Basic
}

// learn takes in what a camera asks for. Digest, which does not show the
// password, is preferred.
func (a *authentication) learn(h http.Header) error {
	if a.user == nil {
		return errors.New("the camera wants a user and password: put them into the url, before the host, special characters as %XX")
	}
	var err error
	a.challenge, err = digest.FindChallenge(h)
	a.count = 0
	a.basic = false
	if err == nil {
		return nil
	}
	for _, way := range h.Values("WWW-Authenticate") {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(way), " "); strings.EqualFold(scheme, "Basic") {
			a.basic = true
			return nil
		}
	}
	return fmt.Errorf("the camera asks for neither Basic nor Digest authentication with MD5 or SHA: change it there (%w)", err)
}

// authorize adds the credentials to a request once the camera has asked for them.
func (a *authentication) authorize(req *http.Request) error {
	if a.user == nil {
		return nil
	}
	password, _ := a.user.Password()
	switch {
	case a.basic:
		req.SetBasicAuth(a.user.Username(), password)
	case a.challenge != nil:
		a.count++
		cred, err := digest.Digest(a.challenge, digest.Options{
			Method: req.Method, URI: req.URL.RequestURI(), Count: a.count, Username: a.user.Username(), Password: password,
		})
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", cred.String())
	}
	return nil
}
