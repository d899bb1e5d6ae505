package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"faird/config"
	"faird/verdict"
)

func openArchive(t *testing.T, s *Store, c config.Archive) *Archive {
	t.Helper()
	a, err := s.Archive(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func keep(t *testing.T, s *Store, a *Archive, bytes int) Picture {
	t.Helper()
	v := judged(1, "cap", verdict.Fail, 0.9, "")
	v.ID = ulid.Make().String()
	key, err := s.Commit(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	p := Picture{ID: v.ID, Key: key, Station: "cap", Why: "fail", Width: 10, Height: 10}
	if err := a.Put(context.Background(), p, v, map[string][]byte{"picture.png": make([]byte, bytes), "thumb.jpg": []byte("small")}); err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, a *Archive, p Picture, name string) ([]byte, error) {
	t.Helper()
	f, err := a.Open(p, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// folders of the archive, unfinished ones among them.
func folders(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, pictureFolder), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && len(e.Name()) >= 26 {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestArchiveKeepsAndGives(t *testing.T) {
	dir := t.TempDir()
	s := open(t, config.Store{Path: dir})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6})
	p := keep(t, s, a, 1000)
	if data, err := read(t, a, p, "thumb.jpg"); err != nil || string(data) != "small" {
		t.Errorf("read %q, %v", data, err)
	}
	if st := a.Stats(); st.Pictures != 1 || st.Bytes != 1005 || st.Total == 0 || st.Err != "" {
		t.Errorf("stats %+v", st)
	}
	f, err := s.Verdict(context.Background(), p.ID)
	if err != nil || f.Picture == nil || f.Picture.Bytes != 1005 || f.Picture.Why != "fail" {
		t.Errorf("found %+v, %v", f.Picture, err)
	}
}

func TestArchiveStaysWithinItsBytes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, config.Store{Path: dir})
	a := openArchive(t, s, config.Archive{MaxBytes: 20_000})
	ctx := context.Background()
	marked := keep(t, s, a, 1000)
	f, err := s.Verdict(ctx, marked.ID)
	if err == nil {
		err = s.SetMark(ctx, f, Remark{Truth: Good, Who: "anna"})
	}
	if err != nil {
		t.Fatal(err)
	}
	second := keep(t, s, a, 1000)
	for range 50 {
		keep(t, s, a, 1000)
	}
	newest := keep(t, s, a, 1000)
	st := a.Stats()
	if st.Bytes > 20_000 || st.Pictures < 10 || int(st.Pictures) != folders(t, dir) {
		t.Errorf("stats %+v, %d folders", st, folders(t, dir))
	}
	if _, err := read(t, a, second, "picture.png"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest is still there: %v", err)
	}
	for what, p := range map[string]Picture{"marked": marked, "newest": newest} {
		if _, err := read(t, a, p, "picture.png"); err != nil {
			t.Errorf("the %s one: %v", what, err)
		}
	}
	if err := a.Put(ctx, newest, nil, map[string][]byte{"picture.png": make([]byte, 30_000)}); err == nil {
		t.Error("a picture larger than the archive was kept")
	}
}

func TestArchiveLeavesTheDiskItsFloor(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6, MinFree: 1 << 60})
	err := a.Put(context.Background(), Picture{ID: ulid.Make().String(), Station: "cap"}, nil, map[string][]byte{"picture.png": {1}})
	if !errors.Is(err, ErrFloor) {
		t.Errorf("got %v", err)
	}
	if st := a.Stats(); st.Err == "" || st.Pictures != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestArchiveGoesNowhereElse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, config.Store{Path: dir})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6})
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := keep(t, s, a, 10)
	good := p.ID
	for _, c := range []struct{ station, id, name string }{
		{"..", good, "picture.png"},
		{"../..", good, "picture.png"},
		{"cap/../..", good, "picture.png"},
		{".", good, "picture.png"},
		{"", good, "picture.png"},
		{"cap", "../../../secret", "picture.png"},
		{"cap", "..", "picture.png"},
		{"cap", good, "../../../../secret"},
		{"cap", good, "/etc/passwd"},
		{"cap", good, ".."},
	} {
		if data, err := read(t, a, Picture{Station: c.station, ID: c.id}, c.name); err == nil {
			t.Errorf("%+v gave %q", c, data)
		}
	}
	// A link that somebody put there leads nowhere either.
	at, err := folder("cap", good)
	if err == nil {
		err = os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, pictureFolder, at, "link.png"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, a, p, "link.png"); err == nil {
		t.Error("a link out of the archive was followed")
	}
}

// TestSweepAfterACrash makes what a crash at each point of writing and removing
// leaves behind.
func TestSweepAfterACrash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, config.Store{Path: dir})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6})
	ctx := context.Background()
	pictures := make([]Picture, 5)
	for i := range pictures {
		pictures[i] = keep(t, s, a, 100)
	}
	at := func(i int) string {
		f, err := folder(pictures[i].Station, pictures[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, pictureFolder, f)
	}
	for _, step := range []error{
		os.Truncate(filepath.Join(at(1), "picture.png"), 7), // data that did not reach the disk
		os.Remove(filepath.Join(at(2), sidecar)),            // half removed by hand
		os.RemoveAll(at(3)),                                 // a row without its folder
		s.dropPictures(ctx, []string{pictures[4].ID}),       // a folder without its row
		os.MkdirAll(filepath.Join(dir, pictureFolder, unfinished+"01JDCQ6Q4Z0M2N3P4Q5R6S7T00"), 0o750),       // being written
		os.WriteFile(filepath.Join(dir, pictureFolder, unfinished+"01JDCQ6Q4Z0M2N3P4Q5R6S7T01"), nil, 0o640), // nonsense
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if err := a.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	for i, there := range []bool{true, false, false, false, true} {
		f, err := s.Verdict(ctx, pictures[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = read(t, a, pictures[i], "picture.png")
		if (f.Picture != nil) != there || (err == nil) != there {
			t.Errorf("picture %d: row %v, file %v, want %v", i, f.Picture != nil, err == nil, there)
		}
	}
	if st := a.Stats(); st.Pictures != 2 || st.Bytes != 210 || folders(t, dir) != 2 {
		t.Errorf("stats %+v, %d folders", st, folders(t, dir))
	}
}

func TestMarkedPicturesAreListed(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	a := openArchive(t, s, config.Archive{MaxBytes: 1e6})
	ctx := context.Background()
	for i, truth := range []Truth{Good, Defect, Good} {
		p := keep(t, s, a, 10)
		f, err := s.Verdict(ctx, p.ID)
		if err == nil {
			err = s.SetMark(ctx, f, Remark{Truth: truth, Who: fmt.Sprint(i)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(t, s, a, 10)
	got, err := s.Labelled(ctx, "cap", epoch.AddDate(-1, 0, 0), epoch.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 { // decided is what counts, and these verdicts have no time
		t.Errorf("listed %d of another time", len(got))
	}
	got, err = s.Labelled(ctx, "cap", time.Time{}, time.Time{})
	if err != nil || len(got) != 3 || got[1].Truth != Defect || got[2].Who != "2" {
		t.Errorf("listed %+v, %v", got, err)
	}
}
