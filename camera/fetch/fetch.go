// Package fetch asks network cameras over HTTP, with Basic and Digest
// authentication and checked certificates. A camera is on the plant's network, so
// no proxy is used, whatever HTTP_PROXY says. No error it returns holds a password
// or a URL. Deadlines are the caller's.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects   = 3
	maxHeader      = 64 << 10 // bytes of an answer's header
	maxErrorPage   = 64 << 10 // bytes read of the body that comes with a 401 or a redirect
	idleConnection = 30 * time.Second
	bufferSize     = 64 << 10
)

// Settings say where a camera is and how to speak to it.
type Settings struct {
	URL *url.URL // with user and password, if any
	CA  string   // file of PEM certificates that are trusted beside the system's; "" is none
	Pin []byte   // SHA-256 of the camera's certificate, which is then all that is checked; nil: none
}

// Client asks one camera, one request at a time. The caller closes it.
type Client struct {
	url       url.URL // without user and password
	transport *http.Transport
	auth      authentication
}

// New returns a client and contacts nobody.
func New(s Settings) (*Client, error) {
	secure, err := s.TLS()
	if err != nil {
		return nil, err
	}
	c := &Client{url: *s.URL, auth: authentication{user: s.URL.User}}
	c.url.User = nil
	c.url.RawQuery = strings.ReplaceAll(c.url.RawQuery, " ", "%20") // url.Parse lets them pass, servers do not
	c.transport = &http.Transport{
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        secure,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		DisableCompression:     true,
		MaxConnsPerHost:        1,
		IdleConnTimeout:        idleConnection,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         bufferSize,
	}
	return c, nil
}

// Close ends the connections that are not in use.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Answer is a camera's answer to a request, whose body the caller closes.
type Answer struct {
	Body   io.ReadCloser
	Type   string    // Content-Type
	Length int64     // Content-Length; -1 is none
	Asked  time.Time // just before the first request was sent: a camera that redirects may expose then
}

// Get asks for the URL. Anything but the status 200 is an error that says what to
// do. The context holds for the body too; when it ends its cause is the error.
func (c *Client) Get(ctx context.Context) (*Answer, error) {
	answer, err := c.get(ctx)
	if err != nil {
		return nil, explain(ctx, err)
	}
	return answer, nil
}

// get follows redirects and gives the credentials when it is asked for them.
func (c *Client) get(ctx context.Context) (*Answer, error) {
	at, tried, asked := &c.url, false, time.Now()
	for range maxRedirects + 2 { // and a second request with the credentials
		resp, err := c.send(ctx, at)
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusOK:
			return &Answer{Body: resp.Body, Type: resp.Header.Get("Content-Type"), Length: resp.ContentLength, Asked: asked}, nil
		case isRedirect(resp.StatusCode):
			at, err = c.redirected(at, resp.Header.Get("Location"))
		case resp.StatusCode == http.StatusUnauthorized && !c.isHome(at):
			err = fmt.Errorf("the camera redirects to %s, which wants a user and password: only the camera itself is given them", at.Host)
		case resp.StatusCode == http.StatusUnauthorized && !tried:
			tried = true
			err = c.auth.learn(resp.Header)
		default:
			err = statusError(resp.StatusCode)
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorPage) // so that the connection can be used again
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the camera redirected %d times: write the address it ends at", maxRedirects+1)
}

func (c *Client) send(ctx context.Context, at *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "faird")
	if c.isHome(at) {
		if err := c.auth.authorize(req); err != nil {
			return nil, err
		}
	}
	return c.transport.RoundTrip(req)
}

// isHome says whether a URL is on the camera itself, the only place that gets the
// password.
func (c *Client) isHome(u *url.URL) bool { return u.Scheme == c.url.Scheme && u.Host == c.url.Host }

// explain is an error with its cause, what to do about it, and without the URL,
// which may hold secrets.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if e := (*url.Error)(nil); errors.As(err, &e) { // its text repeats the URL
		err = e.Err
	}
	if e := (*net.OpError)(nil); errors.As(err, &e) && e.Op == "dial" {
		return fmt.Errorf("%w: is the camera on, and the address right?", err)
	}
	return ExplainCertificate(err)
}
