package watch

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is the watched folder and the folders in it. Names are relative to the
// watched folder, which is "" itself.
type tree struct {
	path    string
	limit   int
	notices *inotify
	names   map[int32]string // by watch descriptor
	folders map[string]int32
	root    int32
}

func newTree(path string, limit int) (*tree, error) {
	notices, err := newInotify()
	if err != nil {
		return nil, err
	}
	t := &tree{path: path, limit: limit, notices: notices, names: map[int32]string{}, folders: map[string]int32{}}
	if t.root, err = notices.add(path, fileEvents|rootEvents); err != nil {
		notices.close()
		return nil, fmt.Errorf("%w: may faird's user read it?", err)
	}
	t.names[t.root], t.folders[""] = "", t.root
	return t, nil
}

func (t *tree) close() { t.notices.close() }

// at is where a name is found.
func (t *tree) at(name string) string { return filepath.Join(t.path, filepath.FromSlash(name)) }

// add watches a folder. One that is watched already may have been renamed.
func (t *tree) add(name string) error {
	if _, ok := t.folders[name]; !ok && len(t.folders) >= t.limit {
		return fmt.Errorf("%s has more than %d folders in it: archive old ones, or watch a folder further down", t.path, t.limit)
	}
	folder, err := t.notices.add(t.at(name), fileEvents|unix.IN_DONT_FOLLOW)
	if err != nil {
		return err
	}
	if was, ok := t.names[folder]; ok {
		delete(t.folders, was)
	}
	if old, ok := t.folders[name]; ok {
		delete(t.names, old)
	}
	t.names[folder], t.folders[name] = name, folder
	return nil
}

// drop ends the watching of a folder and of all in it.
func (t *tree) drop(name string) {
	for other, folder := range t.folders {
		if other == name || strings.HasPrefix(other, name+"/") {
			t.notices.remove(folder)
			t.forget(folder)
		}
	}
}

// forget notes that the kernel watches a folder no longer.
func (t *tree) forget(folder int32) {
	if name, ok := t.names[folder]; ok {
		delete(t.names, folder)
		delete(t.folders, name)
	}
}
