package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"faird/config"
)

func TestWalkArchive(t *testing.T) {
	dir := t.TempDir()
	s := open(t, config.Store{Path: dir})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6})
	want := []Picture{keep(t, s, a, 10), keep(t, s, a, 10), keep(t, s, a, 10)}
	if err := os.MkdirAll(filepath.Join(dir, pictureFolder, unfinished+want[0].ID), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, filepath.Join(dir, pictureFolder)} {
		var got []Kept
		if err := WalkArchive(from, func(k Kept) error { got = append(got, k); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d kept, want %d", len(got), len(want))
		}
		for i, k := range got {
			if _, err := os.Stat(filepath.Join(k.Folder, "picture.png")); err != nil || k.ID != want[i].ID || k.Verdict.ID != k.ID {
				t.Errorf("kept %+v, %v", k, err)
			}
		}
	}
	stop := errors.New("stop")
	if err := WalkArchive(dir, func(Kept) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if err := WalkArchive(t.TempDir(), nil); err == nil {
		t.Error("an empty folder is an archive")
	}
	if err := WalkArchive(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("no folder is an archive")
	}
}
