package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	fileName = "faird.db"
	// openTimeout bounds everything that opening does with the disk, the check
	// of the pages included: a big healthy database must not hold up a start.
	openTimeout = 10 * time.Second
)

// database is one open file: one connection that writes, a few that read.
type database struct {
	write   *sql.DB
	conn    *sql.Conn // of write; the writer goroutine's alone
	read    *sql.DB
	prepare map[string]*sql.Stmt // on conn
}

func dsn(path, options string) string {
	return "file:" + escape(path) + "?_busy_timeout=2000&" + options
}

// escape hides what SQLite's URI file names give a meaning.
func escape(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(path)
}

// openDatabase opens or begins the file and checks it. An error for which
// damaged is true means that the file cannot be used again.
func openDatabase(ctx context.Context, path string) (*database, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	d := &database{prepare: map[string]*sql.Stmt{}}
	if err := d.open(ctx, path); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *database) open(ctx context.Context, path string) (err error) {
	if d.write, err = sql.Open("sqlite3", dsn(path, "_txlock=immediate")); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	if d.conn, err = d.write.Conn(ctx); err != nil {
		return err
	}
	for _, pragma := range []string{
		"PRAGMA auto_vacuum = INCREMENTAL", // before the first table: a smaller store.max_bytes gives space back
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA journal_size_limit = 16777216",
	} {
		if _, err := d.conn.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	if err := check(ctx, d.conn); err != nil {
		return err
	}
	if err := migrate(ctx, d.conn); err != nil {
		return err
	}
	d.read, err = sql.Open("sqlite3", dsn(path, "_query_only=true"))
	if err == nil {
		d.read.SetMaxOpenConns(4)
	}
	return err
}

// errDamaged marks what quick_check found.
var errDamaged = errors.New("damaged")

// check looks at every page for as long as checkTimeout allows; damage that
// it had no time to find shows when the page is used.
func check(ctx context.Context, c *sql.Conn) error {
	const checkTimeout = openTimeout / 2
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var found string
	err := c.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	case found != "ok":
		return fmt.Errorf("%w: %s", errDamaged, found)
	}
	return nil
}

func damaged(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB
	}
	return errors.Is(err, errDamaged)
}

// stmt returns the prepared statement of the writer's connection.
func (d *database) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := d.prepare[query]; s != nil {
		return s, nil
	}
	s, err := d.conn.PrepareContext(ctx, query)
	if err == nil {
		d.prepare[query] = s
	}
	return s, err
}

func (d *database) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := d.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Close waits for readers and folds the write-ahead log into the file.
func (d *database) Close() {
	if d.read != nil {
		d.read.Close()
	}
	for _, s := range d.prepare {
		s.Close()
	}
	if d.conn != nil {
		d.conn.Close()
	}
	if d.write != nil {
		d.write.Close()
	}
}

// setAside renames a damaged database, its log and its index, and returns the new name.
func setAside(path string, now time.Time) (string, error) {
	to := path + ".damaged-" + now.UTC().Format("20060102T150405.000000Z")
	if err := os.Rename(path, to); err != nil {
		return "", fmt.Errorf("set the damaged database aside: %w: move %s away by hand", err, path)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("set the damaged database aside: %w: move %s away by hand", err, path+suffix)
		}
	}
	return filepath.Base(to), nil
}
