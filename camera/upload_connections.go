package camera

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// uploadConnections is how many may be open at a time.
const uploadConnections = 64

// connections bounds a server's open connections: one too many costs the place
// of the one that has been without a request the longest.
type connections struct {
	log  zerolog.Logger
	told rate.Sometimes

	mu    sync.Mutex
	quiet map[net.Conn]time.Time // without a whole request, since when
	busy  map[net.Conn]bool      // with one that is being answered
}

func newConnections(log zerolog.Logger) *connections {
	return &connections{log: log, told: everyMinute(), quiet: map[net.Conn]time.Time{}, busy: map[net.Conn]bool{}}
}

// connKey is where a request's context has its connection.
type connKey struct{}

// context is the server's ConnContext.
func (c *connections) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// note is the server's ConnState. A connection is active from the first byte of
// a request, which may be all that ever comes.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.quiet)+len(c.busy) >= uploadConnections && !c.makeRoom(conn) {
			_ = conn.Close()
			return
		}
		c.quiet[conn] = time.Now()
	case http.StateIdle:
		delete(c.busy, conn)
		c.quiet[conn] = time.Now()
	case http.StateHijacked, http.StateClosed:
		delete(c.busy, conn)
		delete(c.quiet, conn)
	}
}

// answering notes that a request has come in whole, but for its body.
func (c *connections) answering(r *http.Request) {
	conn, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.quiet[conn]; ok {
		delete(c.quiet, conn)
		c.busy[conn] = true
	}
}

// makeRoom has one connection closed for a new one, and says whether one could be.
// The lock is held.
func (c *connections) makeRoom(conn net.Conn) bool {
	c.told.Do(func() {
		c.log.Warn().Int("connections", uploadConnections).Stringer("from", conn.RemoteAddr()).Msg("too many upload connections: the one that is idle the longest is closed for each new one")
	})
	return c.evict()
}

// evict closes the connection that has been quiet the longest, if one is. The
// lock is held.
func (c *connections) evict() bool {
	var oldest net.Conn
	for conn, since := range c.quiet {
		if oldest == nil || since.Before(c.quiet[oldest]) {
			oldest = conn
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.quiet, oldest)
	_ = oldest.Close()
	return true
}
