package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"faird/config"
	"faird/verdict"
)

const (
	pictureFolder = "pictures"
	sidecar       = "verdict.json"
	unfinished    = ".new-" // begins the name of a folder that is being written or removed
	evictAtOnce   = 16
)

// ErrFloor is wrapped where pictures are not kept because the disk has little room left.
var ErrFloor = errors.New("too little free space on the disk")

// Archive keeps pictures of verdicts as files, one folder for each verdict,
// that appear and disappear whole. It is bounded in bytes and leaves the disk
// a floor of free space. Its methods may be called from any goroutine.
type Archive struct {
	store *Store
	root  *os.Root // nothing outside of it is ever touched
	path  string
	max   int64
	floor int64
	log   zerolog.Logger

	mu    sync.Mutex // one change at a time
	stats ArchiveStats
}

// ArchiveStats is the archive as the page and the metrics show it.
type ArchiveStats struct {
	Pictures        int64
	Bytes, MaxBytes int64
	Free, Total     int64 // of the disk
	Floor           int64
	Err             string // why nothing is kept now
}

// note is what lies beside the pictures: it makes a folder complete in itself.
type note struct {
	Picture
	Files   map[string]int64 `json:"files"` // bytes by name
	Verdict *verdict.Verdict `json:"verdict"`
}

// Archive opens the archive in the store's folder. Sweep is to be called once.
func (s *Store) Archive(c config.Archive) (*Archive, error) {
	dir := filepath.Join(filepath.Dir(s.path), pictureFolder)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("archive: %w: make the folder of store.path writable", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	a := &Archive{store: s, root: root, path: dir, max: int64(c.MaxBytes), floor: int64(c.MinFree), log: s.log.With().Str("part", "archive").Logger()}
	a.stats.MaxBytes, a.stats.Floor = a.max, a.floor
	if err := a.recount(context.Background()); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return a, nil
}

// Close gives the folder back.
func (a *Archive) Close() error { return a.root.Close() }

func (a *Archive) recount(ctx context.Context) error {
	var pictures, bytes int64
	err := a.store.one(ctx, `SELECT count(*), coalesce(sum(bytes), 0) FROM picture`, nil, &pictures, &bytes)
	if err == nil {
		a.stats.Pictures, a.stats.Bytes = pictures, bytes
	}
	return err
}

// folder of a verdict's files, below the root: station, day, id.
func folder(station, id string) (string, error) {
	u, err := ulid.ParseStrict(id)
	if err != nil || u.String() != id {
		return "", fmt.Errorf("archive: %q is not the id of a verdict", id)
	}
	if station == "" || path.Base(station) != station || station[0] == '.' {
		return "", fmt.Errorf("archive: %q is not the name of a station", station)
	}
	return path.Join(station, ulid.Time(u.Time()).UTC().Format("20060102"), id), nil
}

// Put keeps a verdict's files. They are all there or none, whenever the power
// goes; when the archive is full the oldest go, those that nobody has marked first.
func (a *Archive) Put(ctx context.Context, p Picture, v *verdict.Verdict, files map[string][]byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.put(ctx, p, v, files)
	a.stats.Err = ""
	if err != nil {
		a.stats.Err = err.Error()
	}
	return err
}

func (a *Archive) put(ctx context.Context, p Picture, v *verdict.Verdict, files map[string][]byte) error {
	at, err := folder(p.Station, p.ID)
	if err != nil {
		return err
	}
	n := note{Picture: p, Files: map[string]int64{}, Verdict: v}
	for name, data := range files {
		n.Files[name] = int64(len(data))
		n.Bytes += int64(len(data))
	}
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if err := a.room(ctx, n.Bytes+int64(len(text))); err != nil {
		return err
	}
	if err := a.write(at, p.ID, text, files); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if err := a.store.addPicture(ctx, n.Picture); err != nil {
		return err // the folder is whole: the next sweep takes it up
	}
	a.stats.Pictures++
	a.stats.Bytes += n.Bytes
	return nil
}

// write makes the folder under another name first.
func (a *Archive) write(at, id string, text []byte, files map[string][]byte) (err error) {
	tmp := unfinished + id
	if err := a.root.RemoveAll(tmp); err != nil {
		return err
	}
	if err := a.root.Mkdir(tmp, 0o750); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = a.root.RemoveAll(tmp)
		}
	}()
	for name, data := range files {
		if err := a.root.WriteFile(path.Join(tmp, name), data, 0o640); err != nil {
			return err
		}
	}
	if err := a.root.WriteFile(path.Join(tmp, sidecar), text, 0o640); err != nil {
		return err
	}
	if err := a.root.MkdirAll(path.Dir(at), 0o750); err != nil {
		return err
	}
	return a.root.Rename(tmp, at)
}

// room makes place for more bytes within the bound, and refuses where the disk
// would be left with less than the floor.
func (a *Archive) room(ctx context.Context, more int64) error {
	a.measure()
	if a.stats.Free-more < a.floor {
		return fmt.Errorf("archive: %w: %s are free, archive.min_free keeps %s: no pictures are kept until there is room",
			ErrFloor, gigabytes(a.stats.Free), gigabytes(a.floor))
	}
	for a.stats.Bytes+more > a.max && a.stats.Pictures > 0 {
		oldest, err := a.store.oldestPictures(ctx, evictAtOnce)
		if err != nil {
			return err
		}
		if len(oldest) == 0 {
			return a.recount(ctx)
		}
		if err := a.remove(ctx, oldest, a.stats.Bytes+more-a.max); err != nil {
			return err
		}
	}
	if more > a.max {
		return fmt.Errorf("archive: one picture is larger than archive.max_bytes %s", config.Bytes(a.max))
	}
	return nil
}

// remove takes pictures away until at least these bytes are free.
func (a *Archive) remove(ctx context.Context, pictures []Picture, bytes int64) error {
	var gone []string
	for _, p := range pictures {
		if bytes <= 0 {
			break
		}
		if err := a.removeFolder(p); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		gone = append(gone, p.ID)
		bytes -= p.Bytes
		a.stats.Pictures--
		a.stats.Bytes -= p.Bytes
	}
	return a.store.dropPictures(ctx, gone)
}

func (a *Archive) removeFolder(p Picture) error {
	at, err := folder(p.Station, p.ID)
	if err != nil {
		return err
	}
	tmp := unfinished + p.ID
	if err := a.root.Rename(at, tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = a.root.Remove(path.Dir(at)) // the day, where it was the last
	return a.root.RemoveAll(tmp)
}

// measure looks at the disk.
func (a *Archive) measure() {
	var s unix.Statfs_t
	if err := unix.Statfs(a.path, &s); err != nil {
		return
	}
	a.stats.Free, a.stats.Total = int64(s.Bavail)*s.Bsize, int64(s.Blocks)*s.Bsize
}

// Open gives one of a picture's files, or fs.ErrNotExist.
func (a *Archive) Open(p Picture, name string) (*os.File, error) {
	at, err := folder(p.Station, p.ID)
	if err != nil {
		return nil, err
	}
	return a.root.Open(path.Join(at, path.Base(name)))
}

// Has says whether one of a picture's files is there.
func (a *Archive) Has(p Picture, name string) bool {
	at, err := folder(p.Station, p.ID)
	if err == nil {
		_, err = a.root.Stat(path.Join(at, path.Base(name)))
	}
	return err == nil
}

// Stats returns the figures, the disk's as of now.
func (a *Archive) Stats() ArchiveStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.measure()
	return a.stats
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
