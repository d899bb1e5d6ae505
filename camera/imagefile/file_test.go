package imagefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gocv.io/x/gocv"

	"faird/camera/fault"
	"faird/verdict"
)

func readFile(path string, maxPixels int) error {
	d, dst := NewDecoder(maxPixels), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	return d.ReadFile(path, &dst)
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	png := pngs()["RGB 08"]
	if err := readFile(write("good.png", png), 0); err != nil {
		t.Error(err)
	}
	if err := readFile(write("a PNG.jpg", png), 0); err != nil {
		t.Errorf("a wrong ending: %v", err)
	}
	big := write("big.png", png)
	if err := os.Truncate(big, 1<<40); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo.png")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]verdict.Check{
		write("empty.png", nil):               verdict.Incomplete,
		write("cut.png", png[:99]):            verdict.Incomplete,
		write("text.png", []byte("no image")): "",
		dir:                                   "",
		fifo:                                  "",
		big:                                   verdict.TooLarge,
	} {
		err := readFile(path, 0)
		if fault.Of(err) != want || !errors.Is(err, fault.ErrImage) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if err := readFile(filepath.Join(dir, "none.png"), 0); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fault.ErrImage) {
		t.Errorf("a missing file: %v", err)
	}
	if err := readFile(filepath.Join(dir, "good.png"), 13*11-1); fault.Of(err) != verdict.TooLarge {
		t.Errorf("a pixel too many: %v", err)
	}
	if err := readFile(filepath.Join(dir, "good.png"), 13*11); err != nil {
		t.Errorf("just within the limit: %v", err)
	}
}
