package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how old what was read of the file may be: a user who was taken
// out is out that soon.
const lookEvery = time.Second

// maxFile is far above any list of users.
const maxFile = 1 << 20

// User is a person.
type User struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Hash    string    `json:"hash"` // bcrypt
	Created time.Time `json:"created"`
}

// Token is a machine.
type Token struct {
	Name    string     `json:"name"`
	Role    Role       `json:"role"`
	Hash    string     `json:"hash"`           // sha256 of the secret, which has 256 random bits
	From    string     `json:"from,omitempty"` // addresses it may come from, as a prefix; "" is any
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
}

// content of the file.
type content struct {
	Users  []User  `json:"users"`
	Tokens []Token `json:"tokens"`
}

// File is the users and tokens. Its methods may be called from any goroutine,
// and beside other processes.
type File struct {
	path string

	mu     sync.Mutex
	looked time.Time
	stamp  fileStamp
	have   content
}

type fileStamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

// Open names the file; it need not exist yet.
func Open(path string) *File { return &File{path: path} }

// Path of the file.
func (f *File) Path() string { return f.path }

// Users and tokens as they are in the file now.
func (f *File) List() ([]User, []Token, error) {
	c, err := f.read(0)
	return c.Users, c.Tokens, err
}

// read gives the content, looking at the disk where the last look is older than age.
func (f *File) read(age time.Duration) (content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age > 0 && time.Since(f.looked) < age {
		return f.have, nil
	}
	stamp, err := stampOf(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.have, f.stamp, f.looked = content{}, fileStamp{}, time.Now()
		return f.have, nil
	}
	if err != nil {
		return content{}, fmt.Errorf("users: %w", err)
	}
	if stamp != f.stamp {
		c, err := load(f.path)
		if err != nil {
			return content{}, err
		}
		f.have, f.stamp = c, stamp
	}
	f.looked = time.Now()
	return f.have, nil
}

func stampOf(path string) (fileStamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}, err
	}
	s := fileStamp{modified: info.ModTime(), size: info.Size()}
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil {
		s.inode = st.Ino
	}
	return s, nil
}

func load(path string) (c content, _ error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, fmt.Errorf("users: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return c, fmt.Errorf("users: %s can be read by others: chmod 600 it", path)
	}
	if info.Size() > maxFile {
		return c, fmt.Errorf("users: %s is larger than %d bytes: is it the right file?", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("users: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("users: %s: %w: take a copy from a backup, or remove it and run faird user add", path, err)
	}
	return c, nil
}

// change rewrites the file, whole or not at all; other processes wait.
func (f *File) change(edit func(*content) error) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	now, err := f.read(0)
	if err != nil {
		return err
	}
	now = content{Users: slices.Clone(now.Users), Tokens: slices.Clone(now.Tokens)}
	if err := edit(&now); err != nil {
		return err
	}
	err = save(f.path, now)
	f.mu.Lock()
	f.looked = time.Time{}
	f.mu.Unlock()
	return err
}

func save(path string, c content) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".users-*") // readable to its owner alone
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Sync(), sameOwner(tmp, path), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	return nil
}

// sameOwner gives a file that root writes to the service that reads it: the
// owner of the file before, else of the folder.
func sameOwner(tmp *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil && unix.Stat(filepath.Dir(path), &st) != nil {
		return nil
	}
	return tmp.Chown(int(st.Uid), int(st.Gid))
}
