package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"faird/camera/fault"
)

// advice is what to do about a status.
var advice = map[int]string{
	http.StatusUnauthorized:       "user or password is wrong",
	http.StatusForbidden:          "the camera does not let this user see it: give the user the right, or name another one",
	http.StatusNotFound:           "the path is wrong: look it up in the camera's manual",
	http.StatusMethodNotAllowed:   "the path is wrong: look it up in the camera's manual",
	http.StatusGone:               "the path is wrong: look it up in the camera's manual",
	http.StatusTooManyRequests:    "the camera is asked too often: raise every, or close other viewers",
	http.StatusServiceUnavailable: "the camera is busy or starting: close other viewers, or wait",
}

func statusError(code int) error {
	text := advice[code]
	if text == "" {
		text = "open the same address in a browser to see what it says"
	}
	err := fmt.Errorf("the camera answered %d %s: %s", code, http.StatusText(code), text)
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		return fmt.Errorf("%w: %w", fault.ErrLogin, err)
	}
	return err
}

func isRedirect(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected is where the camera sends us. It may not leave http or https for the
// other: the one is unsafe, and the other better written into the config.
func (c *Client) redirected(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	switch {
	case err != nil || location == "":
		return nil, errors.New("the camera redirects to an address that is none")
	case to.Scheme != c.url.Scheme:
		return nil, fmt.Errorf("the camera redirects from %s to %s at %s: write the address it is to be", c.url.Scheme, to.Scheme, to.Host)
	}
	to.User, to.Fragment = nil, ""
	return to, nil
}
