package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"faird/verdict"
)

// Kept is a verdict whose picture lies in an archive.
type Kept struct {
	Picture
	Verdict *verdict.Verdict
	Folder  string // of its files
}

// WalkArchive hands on what the folder of an archive holds, a copy of one too,
// station by station and oldest first. It reads only, and may run beside a
// daemon: what goes away meanwhile is left out.
func WalkArchive(dir string, each func(Kept) error) error {
	if info, err := os.Stat(filepath.Join(dir, pictureFolder)); err == nil && info.IsDir() {
		dir = filepath.Join(dir, pictureFolder) // store.path was named
	}
	found := false
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != dir:
			return nil
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), unfinished):
			return fs.SkipDir
		case e.Name() != sidecar:
			return nil
		}
		found = true
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var n note
		if err := json.Unmarshal(text, &n); err != nil || n.Verdict == nil {
			return fmt.Errorf("%s: it is not what faird wrote: %w", path, err)
		}
		return each(Kept{Picture: n.Picture, Verdict: n.Verdict, Folder: filepath.Dir(path)})
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: no kept pictures: name the folder pictures below store.path", dir)
	}
	return err
}
