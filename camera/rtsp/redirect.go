package rtsp

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// maxRedirects that are followed from the address in the URL.
const maxRedirects = 3

// redirect is where the camera sends whoever asks for the address.
type redirect struct{ location string }

func (redirect) Error() string { return "the camera redirects to another address" }

// intercept keeps gortsplib from following a redirect: it follows any number of
// them, and gives the user and password to whatever host the camera names.
func (s *Stream) intercept(r *base.Response) {
	if r.StatusCode < base.StatusMovedPermanently || r.StatusCode > base.StatusUseProxy {
		return
	}
	if to := r.Header["Location"]; len(to) > 0 {
		s.moved = to[0]
		delete(r.Header, "Location")
	}
}

// redirected returns err, or the redirect in its place if the server answered with
// one.
func (s *Stream) redirected(err error) error {
	if errors.As(err, new(liberrors.ErrClientBadStatusCode)) && s.moved != "" {
		return redirect{s.moved}
	}
	return err
}

// from is the address that a redirect leads to. The user and password stay with the
// host in the URL, home, and so does the scheme: the one is unsafe, and the other
// better written into the config.
func (r redirect) from(home *base.URL) (*base.URL, error) {
	to, err := base.ParseURL(r.location)
	switch {
	case err != nil || to.Host == "":
		return nil, errors.New("the camera redirects to an address that is none")
	case to.Scheme != home.Scheme:
		return nil, fmt.Errorf("the camera redirects from %s to %s at %s: write the address it is to be", home.Scheme, to.Scheme, to.Host)
	}
	to.User = nil
	if to.Host == home.Host {
		to.User = home.User
	}
	return to, nil
}
