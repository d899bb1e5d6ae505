package imagefolder

import (
	"path/filepath"
	"slices"
	"strings"

	"faird/camera/imagefile"
)

// Reason is why an entry of a folder is not an image of a part; the zero value
// is none.
type Reason struct{ one, many string }

// String is the reason for one entry, such as "a hidden file".
func (r Reason) String() string { return r.one }

// The reasons that a name alone can give.
var (
	hiddenFile   = Reason{"a hidden file", "hidden files"}
	thumbnail    = Reason{"a thumbnail of a file server", "thumbnails of a file server"}
	otherName    = Reason{"a file of another type", "files of other types"}
	hiddenFolder = Reason{"a hidden folder", "hidden folders"}
	systemFolder = Reason{"a system folder", "system folders"}
)

// systemFolders are the folders, in lower case, in which file servers, operating
// systems and programs keep thumbnails, copies and deleted files. Synology and
// QNAP begin the names of theirs with "@"; hidden ones begin with ".".
var systemFolders = []string{
	"#recycle", "#synorecycle", "#snapshot", // Synology
	"$recycle.bin", "recycler", "recycled", "system volume information", "found.000", // Windows
	"__macosx", "network trash folder", "temporary items", // macOS, and the archives it packs
	"~snapshot", "lost+found", // NetApp; ext4 and XFS
	"__pycache__",
}

// thumbnails begin the names, in lower case, of Synology's thumbnails.
var thumbnails = []string{"synophoto_thumb", "synovideo_", "synoindex_"}

// Name says why a file of this name is not an image of a part: the zero Reason
// if it is one. Hidden files are none: many programs name files so until they
// are complete, and macOS puts a "._x.png" beside x.png on file servers.
func Name(name string) Reason {
	name = strings.ToLower(filepath.Base(name))
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case begins("."):
		return hiddenFile
	case !slices.Contains(imagefile.Extensions, filepath.Ext(name)):
		return otherName
	case slices.ContainsFunc(thumbnails, begins):
		return thumbnail
	}
	return Reason{}
}

// IsImage says whether a file of this name is an image of a part.
func IsImage(name string) bool { return Name(name) == Reason{} }

// Folder says why a folder of this name holds no images of parts: the zero
// Reason if it may.
func Folder(name string) Reason {
	name = strings.ToLower(filepath.Base(name))
	switch {
	case strings.HasPrefix(name, "."):
		return hiddenFolder
	case strings.HasPrefix(name, "@"), slices.Contains(systemFolders, name):
		return systemFolder
	}
	return Reason{}
}

// Names says for people which names images have.
func Names() string { return strings.Join(imagefile.Extensions, ", ") }
