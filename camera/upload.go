package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"faird/camera/imagefile"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

const (
	uploadBytes    = 32 << 20        // of one picture, unless the URL says otherwise
	uploadDeadline = 5 * time.Second // from the request to its answer
	uploadSeats    = 4               // pictures that wait or are being judged; more are sent away
	uploadSlice    = 500 * time.Millisecond
	uploadGoodbye  = 500 * time.Millisecond // for answers to go out at the end
)

// uploadSettings are where and from whom pictures are taken.
type uploadSettings struct {
	address, path string
	token         string // "" lets anybody who reaches the address in
	tokenFile     string
	host          string // a name by which it may be called besides; "": none
	most          int64  // bytes
	deadline      time.Duration
}

// parseUpload understands
// upload://127.0.0.1:8081/path?token_file=&host=&max=32MB&deadline=5s.
func parseUpload(u *url.URL, q *query) (plan, error) {
	s := uploadSettings{address: u.Host, path: "/" + strings.Trim(u.Path, "/")}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || port == "" {
		return plan{}, errors.New("no address: write upload://127.0.0.1:8081/picture")
	}
	s.token, _ = q.get("token")
	s.tokenFile, _ = q.get("token_file")
	s.host, _ = q.get("host")
	s.most = int64(q.size("max", uploadBytes, 1<<30))
	s.deadline = q.duration("deadline", uploadDeadline, time.Hour)
	switch {
	case s.token != "" && s.tokenFile != "":
		return plan{}, errors.New("token and token_file: give one of them, better token_file")
	case s.token == "" && s.tokenFile == "" && !isLoopback(host):
		return plan{}, fmt.Errorf("anybody could reach %s: set token_file, or listen on 127.0.0.1", s.address)
	case s.deadline == 0:
		return plan{}, errors.New("query key deadline: want more than 0s")
	}
	return plan{
		every: true, mixed: true, onCall: true,
		source: func(c config.Camera, _ uint64) source {
			return &upload{settings: s, maxPixels: c.MaxPixels, full: everyMinute()}
		},
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// size reads a number of bytes with an optional unit.
func (q *query) size(key string, fallback, high config.Bytes) config.Bytes {
	text, ok := q.get(key)
	if !ok {
		return fallback
	}
	var b config.Bytes
	if err := b.UnmarshalText([]byte(text)); err != nil || b < 1 || b > high {
		q.wrong(key, text, fmt.Sprintf("a size up to %v, for example 20MB", high))
	}
	return b
}

// upload takes pictures over HTTP, one a request, and answers each with its
// verdict.
type upload struct {
	settings    uploadSettings
	maxPixels   int
	log         zerolog.Logger
	full        rate.Sometimes // logs uploads that are refused for want of room
	server      *http.Server
	served      chan error     // how serving ended
	handlers    sync.WaitGroup // requests being answered
	closing     context.CancelFunc
	connections *connections
	bodies      *bodies
	brought     chan *delivery
	seats       chan struct{} // one for each picture that may wait or be judged
	decoder     *imagefile.Decoder
}

// delivery is a picture somebody has brought and waits for.
type delivery struct {
	name   string
	body   *body // released by whoever decodes it
	came   time.Time
	answer chan []byte // the verdict as JSON, or nil: it was not judged
}

func (s *upload) logTo(log zerolog.Logger) { s.log = log }

func (s *upload) open(ctx context.Context) error {
	if s.settings.tokenFile != "" {
		text, err := config.ReadSecret(s.settings.tokenFile)
		if err != nil {
			return fmt.Errorf("token_file: %w", err)
		}
		if s.settings.token = strings.TrimSpace(text); s.settings.token == "" {
			return fmt.Errorf("token_file: %s is empty", s.settings.tokenFile)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.settings.address)
	if err != nil {
		return fmt.Errorf("%w: is another program or station listening there?", err)
	}
	s.decoder, s.brought, s.served = imagefile.NewDecoder(s.maxPixels), make(chan *delivery), make(chan error, 1)
	s.seats, s.bodies, s.connections = make(chan struct{}, uploadSeats), newBodies(s.settings.most), newConnections(s.log)
	open, closing := context.WithCancel(context.WithoutCancel(ctx))
	s.closing = closing
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: min(s.settings.deadline, uploadDeadline), WriteTimeout: s.settings.deadline + uploadDeadline,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return open },
		ConnContext: s.connections.context, ConnState: s.connections.note,
	}
	go func() { s.served <- s.server.Serve(l) }()
	return nil
}

func (s *upload) read(ctx context.Context, f *Frame) error {
	select {
	case d := <-s.brought:
		s.take(d, f)
		return nil
	case err := <-s.served:
		s.served <- err
		return fmt.Errorf("listening on %s ended: %w", s.settings.address, err)
	case <-time.After(uploadSlice):
		return errQuiet
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *upload) take(d *delivery, f *Frame) {
	defer d.body.release()
	f.Captured, f.Exposure, f.Source = d.came, verdict.Estimated, d.name
	f.received()
	if _, err := s.decoder.Decode(d.body.data, &f.mat); err != nil {
		f.fail(err)
	}
	f.reply = func(v *verdict.Verdict) { d.answer <- asJSON(v) }
}

func (s *upload) close() {
	if s.server == nil {
		return
	}
	s.closing()
	ctx, cancel := context.WithTimeout(context.Background(), uploadGoodbye)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		_ = s.server.Close() // it ended by itself
	}
	s.handlers.Wait()
	_ = s.decoder.Close()
}
