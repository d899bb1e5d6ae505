// Package store keeps decided verdicts: one SQLite database in which a
// verdict's history row and outbox row commit together, with the operators'
// threshold overrides beside them. It never talks to a broker, and it never
// holds anything up for longer than its caller's deadline.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"faird/config"
	"faird/verdict"
)

const (
	defaultBytes = 1 << 30
	defaultAge   = 30 * 24 * time.Hour
	// callTimeout bounds every call whose context has no earlier deadline.
	callTimeout = 5 * time.Second
	// closeTimeout bounds Close; a disk that hangs must not hold up a stop.
	closeTimeout = 2 * time.Second
	queueLength  = 1024
)

// ErrUnsure is wrapped by the error of a commit whose deadline passed while the
// disk was at it: the verdict may be on disk, and if it is, the backlog delivers
// it. The same verdict, with the same id, may be published beside it; another
// answer to the same trigger may not.
var ErrUnsure = errors.New("the disk was too slow to say whether it is stored")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("store is closed")

// Pending is a verdict in the outbox.
type Pending = verdict.Pending

// Store is the database. Its methods may be called from any goroutine.
type Store struct {
	path  string // of the database file
	bytes int64  // the database's bound, its write-ahead log left out
	age   time.Duration
	began time.Time // with the monotonic clock
	log   zerolog.Logger
	lock  *os.File

	queue   chan *job
	stop    chan struct{}
	closed  sync.Once
	ended   chan struct{} // closed when the writer has ended
	newest  atomic.Int64
	suspect atomic.Bool // a reader found the file damaged

	mu    sync.Mutex // guards db against a swap, stats and feed
	db    *database
	stats Stats
	feed  feedFigures
}

// Open opens the database in the folder of c, or begins one. A damaged file is
// set aside under another name, said loudly, and a new one begun. Errors name
// the folder or the file: it cannot be written, another faird uses it, or a
// newer version wrote it.
func Open(c config.Store, log zerolog.Logger) (*Store, error) {
	if err := os.MkdirAll(c.Path, 0o750); err != nil {
		return nil, fmt.Errorf("store: %w: make the folder of store.path or name another", err)
	}
	lock, err := lockFolder(c.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		path: filepath.Join(c.Path, fileName), lock: lock, began: time.Now(),
		log:   log.With().Str("part", "store").Logger(),
		queue: make(chan *job, queueLength), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	s.limits(c)
	w := &writer{Store: s, numbers: map[string]int64{}}
	if err := w.begin(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("store: open %s: %w", s.path, err)
	}
	go w.run()
	return s, nil
}

// limits leaves an eighth of the space to the write-ahead log.
func (s *Store) limits(c config.Store) {
	s.bytes, s.age = int64(c.MaxBytes), c.MaxAge
	if s.bytes <= 0 {
		s.bytes = defaultBytes
	}
	if s.age <= 0 {
		s.age = defaultAge
	}
	s.stats.MaxBytes = s.bytes
	s.bytes -= s.bytes / 8
}

// lockFolder keeps a second daemon from the same folder; the lock ends with the process.
func lockFolder(folder string) (*os.File, error) {
	name := filepath.Join(folder, "faird.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("store: %w: make the folder of store.path writable", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("store: %s is locked: another faird uses this folder, stop it or name another in store.path", name)
	}
	return f, nil
}

// Close waits until what was handed over is on disk, at most two seconds.
func (s *Store) Close() error {
	s.closed.Do(func() { close(s.stop) })
	select {
	case <-s.ended:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("store: %s: the disk did not finish within %s", s.path, closeTimeout)
	}
}

// Newest returns the highest key committed so far.
func (s *Store) Newest() int64 { return s.newest.Load() }

// bounded gives every call a deadline.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
