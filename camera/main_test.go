package camera

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"faird/config"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; it is no measurement.
const patience = 20 * time.Second

// start runs a camera until the test ends, and checks that Run then says what
// it must. Zero durations become short ones.
func start(t *testing.T, url string, c config.Camera) *Camera {
	t.Helper()
	return startLogged(t, url, c, zerolog.Nop())
}

// startLogged tells the test what is logged.
func startLogged(t *testing.T, url string, c config.Camera, log zerolog.Logger) *Camera {
	t.Helper()
	c.URL = url
	if c.BackoffMin == 0 {
		c.BackoffMin, c.BackoffMax = 20*time.Millisecond, 100*time.Millisecond
	}
	cam, err := Open(c, log)
	if err != nil {
		t.Fatal(err)
	}
	runUntilEnd(t, cam)
	return cam
}

func runUntilEnd(t *testing.T, cam *Camera) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- cam.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Run did not return after its context ended")
		}
		waitForStuck(t, cam)
	})
}

// waitForStuck waits until calls that outlived their camera have come back.
func waitForStuck(t *testing.T, cam *Camera) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		cam.mu.Lock()
		stuck := cam.stuck
		cam.mu.Unlock()
		if stuck == 0 {
			return
		}
	}
	t.Error("a call into the driver never came back")
}

// next takes one frame and fails the test if none comes.
func next(t *testing.T, cam *Camera, after time.Time) *Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f, err := cam.Next(ctx, after)
	if err != nil {
		t.Fatalf("no frame: %v; status %+v", err, cam.Status())
	}
	return f
}

// eventually waits until a status satisfies ok.
func eventually(t *testing.T, cam *Camera, what string, ok func(Status) bool) Status {
	t.Helper()
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		if s := cam.Status(); ok(s) {
			return s
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("never %s: %+v", what, cam.Status())
	return Status{}
}

// grey is an 8-bit BGR picture of one shade, which a test reads back with shade.
func grey(t testing.TB, rows, cols int, shade uint8) gocv.Mat {
	t.Helper()
	v := float64(shade)
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(v, v, v, 0), rows, cols, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	return m
}

// shade is the middle pixel's blue.
func shade(m gocv.Mat) uint8 { return m.GetVecbAt(m.Rows()/2, m.Cols()/2)[0] }

// writePicture stores a picture of one shade under dir.
func writePicture(t testing.TB, dir, name string, shade uint8) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if !gocv.IMWrite(path, grey(t, 48, 64, shade)) {
		t.Fatalf("%s was not written", path)
	}
	return path
}

// truncate leaves the first share of a file.
func truncate(t testing.TB, path string, share float64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(share*float64(info.Size()))); err != nil {
		t.Fatal(err)
	}
}

func writeText(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("neither picture nor video"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var nopLog = zerolog.Nop()

func short(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
