package libav

import (
	"bytes"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// FFmpeg says nothing between our log lines, whatever it reads.
func TestNothingIsPrinted(t *testing.T) {
	codec, units := stream(t, plainH264, 12)
	path := write(t, "a.ts", bytes.Repeat([]byte("\x47\x40\x00\x10 no transport stream"), 4000))
	printed := stderrOf(t, func() {
		for i := range units {
			units[i] = append(units[i][:len(units[i])/2:len(units[i])/2], 0xff, 0xff)
		}
		decode(t, Options{Codec: codec, Threads: 2}, units)
		if r, err := Open(t.Context(), path, Options{}); err == nil {
			_ = r.Close()
		}
	})
	if len(printed) > 0 {
		t.Errorf("on stderr: %s", printed)
	}
}

// stderrOf returns what is written to the file descriptor meanwhile, from C too.
func stderrOf(t *testing.T, do func()) []byte {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before, err := unix.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(int(file.Fd()), 2, 0); err != nil {
		t.Fatal(err)
	}
	do()
	if err := unix.Dup3(before, 2, 0); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(before)
	_, _ = file.Seek(0, io.SeekStart)
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
