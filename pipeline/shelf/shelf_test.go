package shelf

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"faird/model/demo"
)

// shelve puts a file on a shelf and gives it a time.
func shelve(t *testing.T, folder, file string, data []byte, age time.Duration) {
	t.Helper()
	path := filepath.Join(folder, Folder, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	s := New(dir)
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v without a folder", all, err)
	}
	shelve(t, dir, "old.onnx", demo.Model(), time.Hour)
	shelve(t, dir, "broken.onnx", []byte("no model"), time.Minute)
	shelve(t, dir, "readme.txt", nil, 0)
	shelve(t, dir, ".hidden.onnx", demo.Model(), 0)
	shelve(t, dir, "folder.onnx/inside.onnx", demo.Model(), 0)
	all, err := s.List()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v, want two models", all, err)
	}
	if b := all[0]; b.Name != "broken" || b.Err == "" || b.Hash != "" {
		t.Errorf("a file that is no model: %+v", b)
	}
	if o := all[1]; o.Name != "old" || o.Err != "" || len(o.Hash) != 71 || o.Threshold == nil || o.Bytes != int64(len(demo.Model())) {
		t.Errorf("a model: %+v", o)
	}
	// A file that is replaced is read anew.
	shelve(t, dir, "broken.onnx", demo.Model(), time.Minute)
	if all, err := s.List(); err != nil || all[0].Err != "" {
		t.Errorf("%+v, %v after the file was replaced", all, err)
	}
}

func TestNamesStayOnTheShelf(t *testing.T) {
	dir := t.TempDir()
	shelve(t, dir, "m.onnx", demo.Model(), 0)
	if err := os.WriteFile(filepath.Join(dir, "secret.onnx"), demo.Model(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(dir)
	if path, err := s.Find("m"); err != nil || path != filepath.Join(dir, Folder, "m.onnx") {
		t.Errorf("%q, %v", path, err)
	}
	for _, bad := range []string{"", "none", "../secret", "..", "/etc/passwd", filepath.Join(dir, "secret"), "m.onnx", ".m", "m\x00", "a/b", `..\secret`} {
		if path, err := s.Find(bad); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q leads to %q, %v", bad, path, err)
		}
	}
}
