package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

// patience bounds every wait of these tests; none depends on its length.
const patience = 20 * time.Second

// buffer is a log that can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// watched is a Watcher at work on a file.
type watched struct {
	*testing.T
	*Watcher
	out     *buffer
	applied chan *Config
}

// withLevel is a good config that tells itself from others by its log level.
func withLevel(level string) string { return "log: {level: " + level + "}\n" + oneStation }

func watching(t *testing.T, path string) *watched {
	t.Helper()
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{T: t, out: new(buffer), applied: make(chan *Config, 16)}
	w.Watcher = NewWatcher(c, zerolog.New(w.out), func(c *Config) { w.applied <- c })
	w.quiet, w.poll = 20*time.Millisecond, 100*time.Millisecond
	return w
}

// start runs the watcher until the test ends.
func (w *watched) start() *watched {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Watcher.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	return w
}

// wants waits for a config with the log level. Others may come before it: a
// file that is being written may be whole in between.
func (w *watched) wants(level string) *Config {
	w.Helper()
	limit := time.After(patience)
	for {
		select {
		case c := <-w.applied:
			if c.Log.Level == level {
				return c
			}
		case <-limit:
			w.Fatalf("no config with level %s; log:\n%s", level, w.out)
		}
	}
}

// logs waits for a text in the log.
func (w *watched) logs(text string) {
	w.Helper()
	for limit := time.Now().Add(patience); !strings.Contains(w.out.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			w.Fatalf("%q is not in the log:\n%s", text, w.out)
		}
	}
}

func swap(t *testing.T, path, text string) {
	t.Helper()
	put(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestWatchWaysOfWriting(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, path, text string){
		"in place":     func(t *testing.T, path, text string) { put(t, path, text) },
		"renamed over": swap,
		"deleted and back": func(t *testing.T, path, text string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			put(t, path, text)
		},
		"backed up and written": func(t *testing.T, path, text string) { // vim's way
			if err := os.Rename(path, path+"~"); err != nil {
				t.Fatal(err)
			}
			put(t, path, text)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
			w := watching(t, path)
			w.poll = time.Hour // inotify alone
			w.start()
			for _, level := range []string{"debug", "warn"} {
				write(t, path, withLevel(level))
				w.wants(level)
			}
		})
	}
}

// TestWatchConfigMap swaps the link as the kubelet does: faird.yaml leads to
// ..data/faird.yaml, and ..data to a folder that is new each time.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	publish := func(version, level string) {
		put(t, filepath.Join(dir, version, "faird.yaml"), withLevel(level))
		old, _ := os.Readlink(filepath.Join(dir, "..data"))
		if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
		if old != "" {
			_ = os.RemoveAll(filepath.Join(dir, old))
		}
	}
	publish("..2026_1", "info")
	path := filepath.Join(dir, "faird.yaml")
	if err := os.Symlink("..data/faird.yaml", path); err != nil {
		t.Fatal(err)
	}
	w := watching(t, path)
	w.poll = time.Hour
	w.start()
	for i, level := range []string{"debug", "warn", "error"} {
		publish(fmt.Sprintf("..2026_%d", i+2), level)
		w.wants(level)
	}
}

func TestWatchFollowsALinkToAnotherFolder(t *testing.T) {
	target := put(t, filepath.Join(t.TempDir(), "real.yaml"), withLevel("info"))
	path := filepath.Join(t.TempDir(), "faird.yaml")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	w := watching(t, path)
	w.poll = time.Hour
	w.start()
	swap(t, target, withLevel("debug"))
	w.wants("debug")
}

func TestWatchSeesWhatChangedBeforeItRan(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
	w := watching(t, path)
	w.poll = time.Hour
	put(t, path, withLevel("debug"))
	w.start()
	w.wants("debug")
}

func TestWatchSeesFilesTheConfigNames(t *testing.T) {
	dir := t.TempDir()
	mask := put(t, filepath.Join(dir, "masks", "cap.png"), picture(t))
	path := put(t, filepath.Join(dir, "faird.yaml"), "stations: [{name: cap, model: demo, camera: {url: 'demo://'}, ignore_mask: masks/cap.png}]\n")
	w := watching(t, path)
	w.poll = time.Hour
	old, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	swap(t, mask, picture(t)+"\n")
	c := w.wants("info")
	if got := Diff(old, c); len(got.Changed) != 1 || got.Changed[0].Aspects != Mask {
		t.Errorf("got %+v", got)
	}
}

func TestWatchBadFileChangesNothing(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
	w := watching(t, path).start()
	swap(t, path, "log: {level: loud}\nmqtt:\n  brokr: x\n"+oneStation)
	w.logs("config is wrong; what is in force stays")
	for _, want := range []string{
		`"at":"` + path + `:1","key":"log.level","fix":"choose trace, debug, info, warn or error","message":"config: \"loud\" is not known here"`,
		`"at":"` + path + `:3","key":"mqtt.brokr","fix":"did you mean broker?","message":"config: unknown key"`,
		`"problems":2`,
	} {
		w.logs(want)
	}
	if n := strings.Count(w.out.String(), "\n"); n != 3 {
		t.Errorf("%d lines in the log:\n%s", n, w.out)
	}
	swap(t, path, "log: [")
	w.logs("not YAML")
	if len(w.applied) != 0 {
		t.Error("a bad config was applied")
	}
	swap(t, path, withLevel("debug"))
	w.wants("debug")
}

func TestWatchMissingModelIsRefusedUntilItComes(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"), withLevel("info"))
	model := filepath.Join(dir, "models", "cap.onnx")
	put(t, filepath.Join(dir, "models", "other"), "")
	w := watching(t, path)
	w.poll = time.Hour
	w.start()
	swap(t, path, strings.Replace(withLevel("debug"), "model: demo", "model: models/cap.onnx", 1))
	w.logs(model + ": no such file")
	w.logs("what is in force stays")
	if len(w.applied) != 0 {
		t.Error("a config without its model was applied")
	}
	put(t, model, "x")
	w.wants("debug")
}

func TestWatchFileIsGoneAndComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	path := put(t, filepath.Join(dir, "faird.yaml"), withLevel("info"))
	w := watching(t, path).start() // polls too: the folder itself goes
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	w.logs("config file is gone; what is in force stays")
	put(t, path, withLevel("debug"))
	w.wants("debug")
}

func TestWatchPollsWithoutInotify(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
	w := watching(t, path)
	w.notify = func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") }
	w.start()
	swap(t, path, withLevel("debug"))
	w.wants("debug")
	w.logs("too many open files")
}

func TestWatchOtherFilesDoNotMatter(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"), withLevel("info"))
	w := watching(t, path).start()
	put(t, filepath.Join(dir, "other.yaml"), "x")
	put(t, filepath.Join(dir, "faird.yaml.swp"), "x")
	swap(t, path, withLevel("debug"))
	w.wants("debug")
	if len(w.applied) != 0 {
		t.Errorf("%d more configs were applied", len(w.applied))
	}
}

func TestReload(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
	w := watching(t, path)
	for range 3 { // never blocks, run or not
		w.Reload()
	}
	w.start()
	w.wants("info")
	w.Reload()
	w.wants("info")
	swap(t, path, "log: {level: loud}")
	w.Reload()
	w.logs("what is in force stays")
}

func TestWatchFunction(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), withLevel("info"))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	applied := make(chan *Config, 8)
	done := make(chan error, 1)
	go func() { done <- Watch(ctx, path, zerolog.Nop(), func(c *Config) { applied <- c }) }()
	for level := "debug"; ; level = map[string]string{"debug": "warn", "warn": "debug"}[level] {
		swap(t, path, withLevel(level)) // again until the watch has begun
		select {
		case <-applied:
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			return
		case <-ctx.Done():
			t.Fatal("nothing was applied")
		case <-time.After(3 * time.Second):
		}
	}
}
