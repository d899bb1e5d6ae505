// Package web is the operator's page and the HTTP API: what the box sees and
// decides, for people to look at, review and correct. It sees the stations, the
// broker and the store through interfaces of its own, judges nothing, and never
// holds a station up.
package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/pipeline/gallery"
	"faird/publish"
	"faird/store"
	"faird/web/account"
)

// Limits on what a client may take.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	stopTimeout   = 2 * time.Second
	listenAgain   = 2 * time.Second
	maxHeader     = 16 << 10
	maxBody       = 16 << 10
)

// stations are the stations at work; *pipeline.Box is one.
type stations interface {
	States() map[string]publish.StationState
	Command(ctx context.Context, station string, c publish.Command) publish.Reply
}

// broker is the connection to it; *publish.Publisher is one.
type broker interface {
	Status() publish.Status
	Builtin() *publish.BuiltinStatus
}

// pictures are the newest ones; *gallery.Gallery is one.
type pictures interface {
	Newest(station string, kind gallery.Kind) (data []byte, id string, err error)
	Watch() (stop func())
	Skipped() uint64
}

// Deps is what the page shows and changes.
type Deps struct {
	Identity publish.Identity
	Config   config.Web
	Stations stations
	Broker   broker
	Store    *store.Store
	Archive  *store.Archive // nil: no pictures are kept
	Pictures pictures
	Feed     *Feed
	Cutter   func() Cutter // for exports
	Training trainer       // nil: no models are made here
	Trials   trials
	Log      zerolog.Logger
}

// Server is the page. New makes it, Run serves it.
type Server struct {
	Deps
	accounts *account.File
	sessions *sessions
	limits   *limits
	metrics  *metrics
	files    *files
	cert     *certificate // nil: no TLS
	handler  http.Handler
	started  time.Time

	quit  chan struct{} // closed when the page goes down
	mu    sync.Mutex
	addr  string
	ready chan struct{} // closed once it listens
}

// New makes the page. What can be wrong before it listens is an error.
func New(d Deps) (*Server, error) {
	d.Log = d.Log.With().Str("part", "web").Logger()
	s := &Server{
		Deps: d, accounts: account.Open(d.Config.Users), limits: newLimits(), started: time.Now(),
		quit: make(chan struct{}), ready: make(chan struct{}),
	}
	s.sessions = newSessions(d.Config.Session, s.accounts)
	var err error
	if s.files, err = readFiles(); err != nil {
		return nil, err
	}
	if d.Config.TLS.Cert != "" {
		if s.cert, err = newCertificate(d.Config.TLS); err != nil {
			return nil, err
		}
	}
	if s.metrics, err = newMetrics(s); err != nil {
		return nil, err
	}
	s.handler = s.guarded(s.routed())
	return s, s.warnOfNobody()
}

// warnOfNobody says so where everybody needs a log-in and nobody has one.
func (s *Server) warnOfNobody() error {
	users, tokens, err := s.accounts.List()
	if err == nil && len(users)+len(tokens) == 0 && !s.Config.Anyone() {
		s.Log.Warn().Str("file", s.accounts.Path()).Msg("the page needs a log-in and there are no users: run faird user add")
	}
	return err
}

// Run serves the page until ctx ends. Where the address cannot be had it is
// tried again: the line does not wait for its page.
func (s *Server) Run(ctx context.Context) error {
	if s.Config.Listen == "" {
		<-ctx.Done()
		return nil
	}
	l := s.listen(ctx)
	if l == nil {
		return nil
	}
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: quiet(s.Log),
	}
	served := make(chan error, 1)
	go func() {
		if s.cert == nil {
			served <- server.Serve(l)
			return
		}
		server.TLSConfig = s.cert.config()
		served <- server.ServeTLS(l, "", "")
	}()
	told := make(chan struct{})
	go func() { defer close(told); s.tellStates(ctx) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		close(s.quit)
		err = s.stop(server, served)
	}
	<-told
	return err
}

// stop lets requests in hand finish.
func (s *Server) stop(server *http.Server, served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

// listen tries until it has the address, nil where ctx ends first.
func (s *Server) listen(ctx context.Context) net.Listener {
	said := false
	for {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", s.Config.Listen)
		if err == nil {
			s.mu.Lock()
			s.addr = l.Addr().String()
			s.mu.Unlock()
			close(s.ready)
			s.Log.Info().Str("url", s.URL()).Msg("the page is served")
			return l
		}
		if !said && ctx.Err() == nil {
			said = true
			s.Log.Error().Err(err).Msg("the page has no address: free it, or name another in web.listen; it is tried again")
		}
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
			return nil
		}
	}
}

// URL is what to open in a browser; "" while the page is not served.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr == "" {
		return ""
	}
	scheme := "http"
	if s.cert != nil {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(s.addr)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = s.Identity.Box
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// Ready is closed once the page is served.
func (s *Server) Ready() <-chan struct{} { return s.ready }
