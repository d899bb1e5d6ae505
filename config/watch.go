package config

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

// Watcher loads the config again when its file, or a file it names, changes.
// It watches folders, because editors and Kubernetes put a new file in the old
// one's place, and waits until nothing has changed for a second.
type Watcher struct {
	path   string
	env    []string
	log    zerolog.Logger
	apply  func(*Config)
	reload chan struct{}
	files  []string // looked at
	seen   map[string]fingerprint
	quiet  time.Duration // without a change before a load
	poll   time.Duration // for what is not notified: network folders, folders that come back
	notify func() (*fsnotify.Watcher, error)
}

// NewWatcher watches the files of a loaded config; what changed since it was
// loaded counts. Run calls apply with each new config that is right, and does
// not look further until apply returns.
func NewWatcher(c *Config, log zerolog.Logger, apply func(*Config)) *Watcher {
	w := newWatcher(c.Path(), log, apply)
	if c.source != nil {
		w.env = c.source.env()
		w.files, w.seen = c.files(), c.source.files
	}
	return w
}

// Watch is Run of a Watcher that needs no Reload, from the file as it is now.
func Watch(ctx context.Context, path string, log zerolog.Logger, apply func(*Config)) error {
	w := newWatcher(absolute(path), log, apply)
	w.env = os.Environ()
	if c, _ := load(path, w.env); c != nil {
		w.files = c.files()
	}
	w.seen = fingerprints(w.files)
	return w.Run(ctx)
}

func newWatcher(path string, log zerolog.Logger, apply func(*Config)) *Watcher {
	return &Watcher{
		path: path, log: log, apply: apply, files: []string{path},
		reload: make(chan struct{}, 1),
		quiet:  time.Second, poll: 30 * time.Second,
		notify: fsnotify.NewWatcher,
	}
}

// Reload asks for a load at once, changed or not, as SIGHUP does. It never blocks.
func (w *Watcher) Reload() {
	select {
	case w.reload <- struct{}{}:
	default: // one is waiting already
	}
}

// Run watches until ctx ends, and then returns nil. Without inotify it still
// polls, and says so.
func (w *Watcher) Run(ctx context.Context) error {
	n, err := w.notify()
	if err != nil {
		w.log.Warn().Err(err).Dur("every", w.poll).Msg("config folder cannot be watched, so it is polled; raise fs.inotify.max_user_instances")
		n = &fsnotify.Watcher{} // its channels are nil and never speak
	} else {
		defer n.Close()
		w.follow(n)
	}
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	w.notice(quiet) // changes since the load, before the folders were watched
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.Events:
			w.notice(quiet)
		case err := <-n.Errors:
			w.log.Warn().Err(err).Msg("watching the config folder")
			w.notice(quiet)
		case <-poll.C:
			w.follow(n)
			w.notice(quiet)
		case <-quiet.C:
			w.load(n)
		case <-w.reload:
			w.load(n)
		}
	}
}

// notice starts the wait anew if a file is not what it was.
func (w *Watcher) notice(quiet *time.Timer) {
	now := fingerprints(w.files)
	if !maps.Equal(now, w.seen) {
		w.seen = now
		quiet.Reset(w.quiet)
	}
}

// load tries the file as it is. What is wrong with it is logged, and nothing
// else happens.
func (w *Watcher) load(n *fsnotify.Watcher) {
	if fingerprintOf(w.path) == (fingerprint{}) {
		w.log.Error().Str("file", w.path).Msg("config file is gone; what is in force stays")
		return
	}
	c, err := load(w.path, w.env)
	if c != nil {
		w.files, w.seen = c.files(), c.source.files // also of a bad one: a missing model may come yet
		w.follow(n)
	}
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		w.refuse(err)
		return
	}
	w.apply(c)
}

func (w *Watcher) refuse(err error) {
	var problems Problems
	if !errors.As(err, &problems) {
		w.log.Error().Err(err).Msg("config cannot be loaded; what is in force stays")
		return
	}
	for _, p := range problems {
		w.log.Error().Str("at", p.Origin.String()).Str("key", p.Key).Str("fix", p.Fix).Msg("config: " + p.Text)
	}
	w.log.Error().Str("file", w.path).Int("problems", len(problems)).Msg("config is wrong; what is in force stays")
}

// follow watches the folders of all files, and those that links lead to. A
// folder that is not there is tried again by and by.
func (w *Watcher) follow(n *fsnotify.Watcher) {
	if n.Events == nil {
		return
	}
	wanted := map[string]bool{}
	for _, f := range w.files {
		wanted[filepath.Dir(f)] = true
		if real, err := filepath.EvalSymlinks(f); err == nil {
			wanted[filepath.Dir(real)] = true
		}
	}
	watched := n.WatchList()
	for _, dir := range watched {
		if !wanted[dir] {
			_ = n.Remove(dir)
		}
	}
	for dir := range wanted {
		if !slices.Contains(watched, dir) {
			_ = n.Add(dir)
		}
	}
}
