package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/verdict"
)

// commitForEver is the child of TestSIGKILL: it prints a verdict's id once the
// commit has returned.
func commitForEver(folder string) {
	s, err := Open(config.Store{Path: folder}, zerolog.Nop())
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	out := make(chan string)
	for n := range 4 {
		go func() {
			for i := uint64(1); ; i++ {
				v := newVerdict(fmt.Sprint("s", n), i, verdict.Fail)
				if _, err := s.Commit(context.Background(), v); err == nil {
					out <- v.ID
				}
			}
		}()
	}
	for id := range out {
		fmt.Println(id) // unbuffered: it is out before the next one is asked for
	}
}

func TestSIGKILL(t *testing.T) {
	folder := t.TempDir()
	for round := range 3 {
		said := killedAfter(t, folder, 200*(round+1))
		s := open(t, config.Store{Path: folder})
		there := map[string]bool{}
		for _, p := range backlog(t, s) {
			there[decode(t, p.Payload).ID] = true
		}
		for _, id := range said {
			if !there[id] {
				t.Errorf("round %d: %s was said to be on disk and is not", round, id)
			}
		}
		if st := s.Stats(); int(st.OutboxRows) != len(there) || st.SetAside != "" {
			t.Errorf("round %d: stats %+v, %d rows", round, st, len(there))
		}
		s.Close()
		if r, err := Verify(context.Background(), config.Store{Path: folder}, VerifyOptions{}); err != nil || !r.OK() {
			t.Errorf("round %d: chain %+v, %v", round, r, err)
		}
	}
}

// killedAfter lets a child commit n verdicts, kills it, and returns what it said.
func killedAfter(t *testing.T, folder string, n int) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "FAIRD_TEST_COMMITTER="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "error") {
			t.Error(lines.Text())
		}
		if said = append(said, lines.Text()); len(said) == n {
			_ = child.Process.Kill()
		}
	}
	child.Wait() //nolint:errcheck // killed
	return said
}

// limitFiles makes the disk refuse: no file may grow beyond the limit.
func limitFiles(t *testing.T, bytes uint64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	now := before
	now.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		t.Fatal(err)
	}
	lift = func() { syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) } //nolint:errcheck // raising back to what was
	t.Cleanup(lift)
	return lift
}

func TestRefusingDisk(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	want := []string{}
	first := newVerdict("cap", 1, verdict.Fail)
	commit(t, s, first)
	want = append(want, first.ID)
	lift := limitFiles(t, 64<<10)
	refused := 0
	for i := uint64(2); i < 200; i++ {
		v := newVerdict("cap", i, verdict.Fail)
		if _, err := s.Commit(context.Background(), v); err == nil {
			want = append(want, v.ID)
		} else if refused++; errors.Is(err, ErrUnsure) || v.Durable {
			t.Fatalf("refused commit: %v, durable %t", err, v.Durable)
		}
	}
	if refused == 0 || s.Stats().Err == "" || s.Waiting().Error == "" {
		t.Fatalf("the disk refused %d times, stats say %q", refused, s.Stats().Err)
	}
	lift()
	recovered := newVerdict("cap", 200, verdict.Fail)
	for tries := 0; ; tries++ {
		if _, err := s.Commit(context.Background(), recovered); err == nil {
			break
		} else if tries == 100 {
			t.Fatalf("not recovered: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	want = append(want, recovered.ID)
	var got []string
	for _, p := range backlog(t, s) {
		got = append(got, decode(t, p.Payload).ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d on disk, want %d: exactly those whose commit succeeded", len(got), len(want))
	}
	if s.Stats().Err != "" || int(s.Stats().OutboxRows) != len(want) {
		t.Errorf("stats after recovery %+v", s.Stats())
	}
}

// hang has the writer stand still until the returned function is called.
func hang(t *testing.T, s *Store) (release func()) {
	t.Helper()
	hold, there := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- s.submit(context.Background(), &job{do: func(*writer) error {
			close(there)
			<-hold
			return nil
		}})
	}()
	<-there
	return func() {
		close(hold)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestHangingDisk(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	release := hang(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	given := newVerdict("cap", 1, verdict.Pass)
	_, err := s.Commit(ctx, given)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnsure) {
		t.Errorf("error %v: want the deadline, and to be sure that nothing is stored", err)
	}
	release()
	kept := newVerdict("cap", 2, verdict.Pass)
	commit(t, s, kept)
	rows := backlog(t, s)
	if len(rows) != 1 || decode(t, rows[0].Payload).ID != kept.ID {
		t.Errorf("%d rows: a commit whose caller has gone must not happen", len(rows))
	}
}

func TestUnsure(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	v := newVerdict("cap", 1, verdict.Pass)
	ctx, cancel := context.WithCancel(context.Background())
	hold := make(chan struct{})
	err := s.submit(ctx, &job{do: func(w *writer) error {
		cancel() // the caller goes while the disk is at it
		<-hold
		_, err := w.insert(v, []byte(`{}`))
		return err
	}, after: func(w *writer) { w.waits(v, 2) }})
	if !errors.Is(err, ErrUnsure) {
		t.Errorf("error %v, want ErrUnsure", err)
	}
	close(hold)
	commit(t, s, newVerdict("cap", 2, verdict.Pass))
	if n := len(backlog(t, s)); n != 2 {
		t.Errorf("%d rows, want both", n)
	}
}

func TestDamagedFile(t *testing.T) {
	damage := map[string]func(file string, content []byte) []byte{
		"not a database": func(string, []byte) []byte { return bytes.Repeat([]byte("nonsense"), 5000) },
		"header": func(_ string, c []byte) []byte {
			copy(c, "SQLite format 9")
			return c
		},
		"pages": func(_ string, c []byte) []byte {
			for i := 4096; i < len(c); i++ {
				c[i] ^= 0xA5
			}
			return c
		},
		"cut short": func(_ string, c []byte) []byte { return c[:len(c)/2+100] },
	}
	for name, spoil := range damage {
		t.Run(name, func(t *testing.T) {
			c := config.Store{Path: t.TempDir()}
			s := open(t, c)
			for i := uint64(1); i <= 300; i++ {
				commit(t, s, newVerdict("cap", i, verdict.Fail))
			}
			s.Close()
			content, err := os.ReadFile(s.path)
			if err != nil {
				t.Fatal(err)
			}
			spoilt := spoil(s.path, content)
			if err := os.WriteFile(s.path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			s, err = Open(c, zerolog.New(&said))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			aside := s.Stats().SetAside
			kept, err := os.ReadFile(filepath.Join(c.Path, aside))
			if err != nil || len(kept) < len(spoilt) || !bytes.Equal(kept[4096:len(spoilt)], spoilt[4096:]) { // SQLite may have marked the header
				t.Errorf("set aside as %q: %v", aside, err)
			}
			if !strings.Contains(said.String(), "DAMAGED") || !strings.Contains(said.String(), aside) {
				t.Errorf("log says only %s", said.String())
			}
			commit(t, s, newVerdict("cap", 1, verdict.Fail))
		})
	}
}

func TestDamageWhileRunning(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	var last int64
	for i := uint64(1); i <= 300; i++ {
		last = commit(t, s, newVerdict("cap", i, verdict.Fail))
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		for i := range content {
			content[i] ^= 0xA5
		}
		if err := os.WriteFile(s.path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.submit(context.Background(), &job{do: func(w *writer) error {
		return w.exec("PRAGMA shrink_memory") // or it would live off its cache for long
	}}); err != nil {
		t.Log(err)
	}
	if _, err := s.Backlog(context.Background(), 0, 10); err == nil {
		t.Error("nothing wrong with the damaged file")
	}
	var key int64
	for tries := 0; s.Stats().SetAside == "" || key == 0; tries++ {
		var err error
		key, err = s.Commit(context.Background(), newVerdict("cap", 301, verdict.Fail))
		if tries == 200 {
			t.Fatalf("not set aside: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	key = commit(t, s, newVerdict("cap", 302, verdict.Fail))
	if key <= last {
		t.Errorf("key %d after the new beginning, %d before", key, last)
	}
	s.Close()
	if r, err := Verify(context.Background(), c, VerifyOptions{}); err != nil || !r.OK() {
		t.Errorf("chain of the new file: %+v, %v", r, err)
	}
}
