package readfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, want := range [][]byte{{}, []byte("abc"), bytes.Repeat([]byte{7}, 100_000)} {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path, 100_000); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
		}
	}
}

// Nobody writes to the FIFO: a read that opened it would never return.
func TestRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo, large, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "large"), filepath.Join(dir, "link")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		fifo: "not a file", link: "not a file", dir: "not a file", "/dev/zero": "not a file", "/dev/tty": "",
		large: "more than the 10", filepath.Join(dir, "gone"): "no such file",
	} {
		if data, err := Read(path, 10); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %d bytes, %v, want %q", path, len(data), err, why)
		}
	}
}
