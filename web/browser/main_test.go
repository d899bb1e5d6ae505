// Package browser_test walks the operator's page in a real browser against the
// real daemon on the simulated line.
package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// faird is the daemon's program and chromium the browser's, found by TestMain.
var faird, chromium string

func TestMain(m *testing.M) {
	code, err := prepare(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func prepare(m *testing.M) (int, error) {
	var err error
	if chromium, err = exec.LookPath("chromium"); err != nil {
		return 0, fmt.Errorf("no chromium: make deps-test installs it: %w", err)
	}
	dir, err := os.MkdirTemp("", "faird-browser-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	faird = filepath.Join(dir, "faird")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", faird, "faird/cmd/faird")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("faird does not build: %w\n%s", err, out)
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			return 0, err
		}
	}
	return code, nil
}
