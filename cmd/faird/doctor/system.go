package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commandTimeout bounds a program that is asked; none of them has to work.
const commandTimeout = 15 * time.Second

// mostOutput bounds what is kept of a program's words.
const mostOutput = 8 << 20

// commands runs a program of the system and gives what it prints.
type commands func(ctx context.Context, name string, arguments ...string) (string, error)

func execute(ctx context.Context, name string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, name, arguments...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.WaitDelay = time.Second
	var out, bad bytes.Buffer
	c.Stdout, c.Stderr = &limited{&out}, &limited{&bad}
	err := c.Run()
	if err != nil && bad.Len() > 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(bad.String()), "\n")
		err = fmt.Errorf("%s: %w: %s", name, err, first)
	}
	return out.String(), err
}

// limited drops what is beyond mostOutput.
type limited struct{ *bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), max(0, mostOutput-l.Len()))])
	return len(p), nil
}

// notInstalled is whether a program is not on this machine.
func notInstalled(err error) bool { return errors.Is(err, exec.ErrNotFound) }
