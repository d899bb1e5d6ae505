package imagefolder

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestName(t *testing.T) {
	for name, want := range map[string]Reason{
		"a.png": {}, "A.JPG": {}, "a.jfif": {}, "a.pnm": {}, "a.pbm": {}, "/x/b.tiff": {}, "a.b.webp": {}, ".x/a.png": {},
		"a.txt": otherName, "png": otherName, "a.png.tmp": otherName, "a.png.part": otherName, "a.gif": otherName,
		"Thumbs.db": otherName, "desktop.ini": otherName, "a.png:encryptable": otherName,
		".a.png": hiddenFile, "/x/.png": hiddenFile, "._a.png": hiddenFile, ".DS_Store": hiddenFile,
		"SYNOPHOTO_THUMB_XL.jpg": thumbnail, "SYNOPHOTO_FILM.jpg": {},
	} {
		if got := Name(name); got != want || IsImage(name) != (want == Reason{}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	for name, want := range map[string]Reason{
		"good": {}, "2026": {}, "#12": {}, "line #2": {}, "a.png": {}, "thumbs": {},
		".ipynb_checkpoints": hiddenFolder, ".Trash-1000": hiddenFolder, ".@__thumb": hiddenFolder, "/x/.git": hiddenFolder,
		"@eaDir": systemFolder, "@Recycle": systemFolder, "#recycle": systemFolder, "#Snapshot": systemFolder,
		"$RECYCLE.BIN": systemFolder, "System Volume Information": systemFolder, "lost+found": systemFolder, "__MACOSX": systemFolder,
	} {
		if got := Folder(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// tree makes files, empty ones, with the folders that they lie in.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// found is a listing's files below the folder.
func found(t *testing.T, l *Listing, err error, dir string) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range l.Files {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestFindLeavesOutWhatIsNoImageOfAPart(t *testing.T) {
	dir := tree(t, "b.png", "a/1.jpg", "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_S.jpg", "@eaDir/x.jpg", ".ipynb_checkpoints/b-checkpoint.png",
		"._b.png", ".DS_Store", "Thumbs.db", "#recycle/old.png", "SYNOPHOTO_THUMB_M.jpg")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Find(dir)
	if got, want := found(t, l, err, dir), []string{"a/1.jpg", "b.png", "pipe.png"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	const want = "3 system folders (such as #recycle), 2 hidden files (such as .DS_Store), " +
		"1 hidden folder (.ipynb_checkpoints), 1 thumbnail of a file server (SYNOPHOTO_THUMB_M.jpg), " +
		"1 file of another type (Thumbs.db)"
	if got := l.Skipped.String(); got != want || l.Skipped.Entries() != 8 {
		t.Errorf("skipped %d: %s\nwant %s", l.Skipped.Entries(), got, want)
	}
}

func TestFindSaysNothingOfACleanFolder(t *testing.T) {
	l, err := Find(tree(t, "1.png", "2.png"))
	if err != nil || l.Skipped.String() != "" || l.Skipped.Entries() != 0 {
		t.Errorf("%q, %v", l.Skipped.String(), err)
	}
}

func TestFindFollowsLinks(t *testing.T) {
	other := tree(t, "2.png", "deep/3.png", "@eaDir/no.png")
	dir := tree(t, "1.png", "real/4.png")
	link(t, other, filepath.Join(dir, "yesterday"))
	link(t, filepath.Join(other, "2.png"), filepath.Join(dir, "5.png"))
	link(t, ".", filepath.Join(dir, "a-loop"))
	link(t, "..", filepath.Join(dir, "real", "up"))
	link(t, "real", filepath.Join(dir, "again"))
	link(t, "gone.png", filepath.Join(dir, "6.png"))
	link(t, "archive", filepath.Join(dir, "7"))
	link(t, "8", filepath.Join(dir, "8"))
	link(t, other, filepath.Join(dir, ".hidden"))
	l, err := Find(dir)
	want := []string{"1.png", "5.png", "6.png", "real/4.png", "yesterday/2.png", "yesterday/deep/3.png"}
	if got := found(t, l, err, dir); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	for _, want := range []string{
		"3 links to folders that are listed already", "2 symbolic links that lead nowhere (such as 7)", "1 hidden folder (.hidden)",
		"1 system folder (yesterday/@eaDir)",
	} {
		if got := l.Skipped.String(); !strings.Contains(got, want) {
			t.Errorf("skipped %q, want %q", got, want)
		}
	}
	through := filepath.Join(t.TempDir(), "good")
	link(t, dir, through)
	l, err = Find(through)
	if got := found(t, l, err, through); !slices.Equal(got, want) {
		t.Errorf("through a link: found %q, want %q", got, want)
	}
}

// Two folders that link to one another end, and so does a tower of folders.
func TestFindEnds(t *testing.T) {
	a, b := tree(t, "1.png"), tree(t, "2.png")
	link(t, b, filepath.Join(a, "b"))
	link(t, a, filepath.Join(b, "a"))
	l, err := Find(a)
	if got := found(t, l, err, a); !slices.Equal(got, []string{"1.png", "b/2.png"}) {
		t.Errorf("found %q", got)
	}
	path := ""
	for i := range MaxDepth + 1 {
		path = filepath.Join(path, fmt.Sprint(i))
	}
	dir := tree(t, filepath.Join(path, "deep.png"), filepath.Join(filepath.Dir(path), "x.png"))
	l, err = Find(dir)
	if got := found(t, l, err, dir); len(got) != 1 || !strings.Contains(l.Skipped.String(), "more than 16 folders down") {
		t.Errorf("found %q, skipped %s", got, l.Skipped.String())
	}
}

func TestFindOfAFolderThatCannotBeRead(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads every folder")
	}
	dir := tree(t, "1.png", "closed/2.png")
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "the right to read it") {
		t.Errorf("%v", err)
	}
}

func TestFindOfNoFolder(t *testing.T) {
	dir := tree(t, "1.png")
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "1.png")} {
		if _, err := Find(path); err == nil {
			t.Errorf("%s is listed", path)
		}
	}
}

func TestListAndGlobStayInTheFolder(t *testing.T) {
	dir := tree(t, "2.png", "1.png", "in/3.png", ".h.png", "x.txt", "folder.png/4.png")
	link(t, filepath.Join(dir, "in"), filepath.Join(dir, "link"))
	link(t, "1.png", filepath.Join(dir, "5.png"))
	for name, list := range map[string]func() (*Listing, error){
		"list": func() (*Listing, error) { return List(dir) },
		"glob": func() (*Listing, error) { return Glob(filepath.Join(dir, "*")) },
	} {
		l, err := list()
		if got := found(t, l, err, dir); !slices.Equal(got, []string{"1.png", "2.png", "5.png"}) {
			t.Errorf("%s found %q", name, got)
		}
		if got := l.Skipped.String(); got != "1 hidden file (.h.png), 1 file of another type (x.txt)" {
			t.Errorf("%s skipped %q", name, got)
		}
	}
}

func TestSkippedAdd(t *testing.T) {
	var all, more Skipped
	all.add(hiddenFile, ".a")
	for range 3 {
		more.add(hiddenFile, ".b")
	}
	more.add(otherName, "x.txt")
	all.Add(&more)
	if got := all.String(); got != "4 hidden files (such as .a), 1 file of another type (x.txt)" || all.Entries() != 5 {
		t.Error(got)
	}
}
