package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"faird/camera/imagefolder"
)

// denied is said of folders that faird may not list.
const denied = "a folder, and permission is denied: give faird's user the right to read it"

// enter takes a folder in the folder: it is watched and listed, or named in the
// log.
func (w *Watcher) enter(t task) error {
	if w.memory.recall(t.name, mark{}) == refused || w.disposal.isTarget(t.name) {
		return nil
	}
	switch why := w.closed(t.name); {
	case why != "" && t.stock:
		w.memory.put(t.name, mark{}, refused)
		return nil
	case why != "":
		w.refuse(t.name, mark{}, why)
		return nil
	}
	err := w.tree.add(t.name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		w.refuse(t.name, mark{}, denied)
		return nil
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
		return nil // gone again
	case err != nil:
		return err
	}
	w.pollIfRemote(t.name)
	w.list(t)
	return nil
}

// closed says why a folder is not watched, "" if it is.
func (w *Watcher) closed(name string) string {
	switch {
	case !w.settings.Subfolders:
		return "a folder: add subfolders=true to watch the folders in it as well"
	case imagefolder.Folder(name) != imagefolder.Reason{}:
		return imagefolder.Folder(name).String()
	case strings.Count(name, "/") >= w.limits.depth:
		return fmt.Sprintf("a folder more than %d folders down", w.limits.depth)
	}
	return ""
}
