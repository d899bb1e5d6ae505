package watch

import (
	"fmt"
	"io/fs"
	"os"

	"faird/camera/imagefolder"
)

// refusal is a file that is never judged, though its name is an image's.
type refusal struct{ why string }

func (r refusal) Error() string { return r.why }

// linkedFolder is said of links to folders.
const linkedFolder = "a symbolic link to a folder: put the folder itself there, or watch it"

// refuse names a file in the log that is never judged, and remembers that.
func (w *Watcher) refuse(name string, m mark, why string) {
	w.memory.put(name, m, refused)
	w.report.say("a file is never judged", name, why)
}

// foreign says why a file is no image, by its name.
func (w *Watcher) foreign(name string) string {
	if info, err := os.Stat(w.tree.at(name)); err == nil && info.IsDir() {
		return linkedFolder
	}
	return imagefolder.Name(name).String() + ": images are named " + imagefolder.Names()
}

// kind names what is neither a file nor a link to one.
func kind(info os.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return linkedFolder
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return fmt.Sprintf("neither a file nor a link to one: %v", info.Mode())
}
