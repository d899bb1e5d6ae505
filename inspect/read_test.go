package inspect_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/inspect"
)

// fileBytes writes a picture in a format and returns its bytes.
func fileBytes(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(save(t, noisy(t, 60, 50), filepath.Join(t.TempDir(), name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadPicture(t *testing.T) {
	for _, name := range []string{"a.png", "a.jpg", "a.bmp", "a.tiff", "a.ppm"} {
		path := save(t, noisy(t, 60, 50), filepath.Join(t.TempDir(), name))
		picture, err := inspect.ReadPicture(path, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if picture.Cols() != 60 || picture.Rows() != 50 || picture.Type() != gocv.MatTypeCV8UC3 {
			t.Errorf("%s: %dx%d, type %v", name, picture.Cols(), picture.Rows(), picture.Type())
		}
		_ = picture.Close()
	}
	picture, err := inspect.ReadPicture(save(t, canvas(t, 30, 20, gocv.MatTypeCV16UC1), filepath.Join(t.TempDir(), "deep.png")), 0)
	if err != nil || picture.Type() != gocv.MatTypeCV8UC3 {
		t.Fatalf("16-bit grey: %v", err)
	}
	_ = picture.Close()
}

func TestReadPictureRefuses(t *testing.T) {
	png, jpg := fileBytes(t, "a.png"), fileBytes(t, "a.jpg")
	flipped := append([]byte(nil), png...)
	flipped[len(flipped)/2] ^= 1
	cases := map[string][]byte{
		"empty": nil, "text.png": []byte("not a picture at all"), "flipped.png": flipped,
		"signature.png": png[:8], "end.png": png[:len(png)-1], "end.jpg": jpg[:len(jpg)-1], "start.jpg": jpg[:2],
	}
	for share := 1; share < 10; share++ {
		cases[string(rune('0'+share))+"0%.png"] = png[:len(png)*share/10]
		cases[string(rune('0'+share))+"0%.jpg"] = jpg[:len(jpg)*share/10]
	}
	for name, data := range cases {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		picture, err := inspect.ReadPicture(path, 0)
		if err == nil {
			_ = picture.Close()
		}
		if !errors.Is(err, inspect.ErrPicture) || strings.Count(err.Error(), path) != 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := inspect.ReadPicture(filepath.Join(t.TempDir(), "none.png"), 0); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none.png") {
		t.Errorf("missing file: %v", err)
	}
	small := save(t, noisy(t, 60, 50), filepath.Join(t.TempDir(), "a.png"))
	if _, err := inspect.ReadPicture(small, 60*50-1); !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "60x50") {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := inspect.ReadPicture(t.TempDir(), 0); !errors.Is(err, inspect.ErrPicture) {
		t.Errorf("folder: %v", err)
	}
}

// A header may promise any size: that must be an error, not a panic or all memory.
func TestReadPictureHuge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.ppm")
	if err := os.WriteFile(path, []byte("P6\n2000000 2000000\n255\n123"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := inspect.ReadPicture(path, 0); !errors.Is(err, inspect.ErrPicture) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
