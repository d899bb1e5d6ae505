package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	cost         = 11 // of bcrypt: a quarter of a second on a small box
	leastLetters = 10
	mostBytes    = 72 // bcrypt looks at no more
)

// ErrWrong is returned for every log-in that fails, whatever was wrong with it.
var ErrWrong = errors.New("the name or the password is wrong")

var userName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Add adds a user.
func (f *File) Add(name string, role Role, password string) error {
	if !userName.MatchString(name) {
		return fmt.Errorf("%q is no name for a user: use letters, digits and . _ @ -, up to 64", name)
	}
	hash, err := hashed(password)
	if err != nil {
		return err
	}
	return f.change(func(c *content) error {
		if c.user(name) >= 0 {
			return fmt.Errorf("there is a user %s already: faird user passwd changes the password", name)
		}
		c.Users = append(c.Users, User{Name: name, Role: role, Hash: hash, Created: time.Now().UTC()})
		return nil
	})
}

// SetPassword gives a user another password; sessions under the old one end.
func (f *File) SetPassword(name, password string) error {
	hash, err := hashed(password)
	if err != nil {
		return err
	}
	return f.change(func(c *content) error {
		i := c.user(name)
		if i < 0 {
			return fmt.Errorf("there is no user %s: faird user list names them", name)
		}
		c.Users[i].Hash = hash
		return nil
	})
}

// Remove takes a user out; sessions end.
func (f *File) Remove(name string) error {
	return f.change(func(c *content) error {
		i := c.user(name)
		if i < 0 {
			return fmt.Errorf("there is no user %s: faird user list names them", name)
		}
		c.Users = slices.Delete(c.Users, i, i+1)
		return nil
	})
}

func (c *content) user(name string) int {
	return slices.IndexFunc(c.Users, func(u User) bool { return u.Name == name })
}

func hashed(password string) (string, error) {
	switch n := len(password); {
	case n < leastLetters:
		return "", fmt.Errorf("the password is too short: give at least %d characters", leastLetters)
	case n > mostBytes:
		return "", fmt.Errorf("the password is longer than %d bytes: give a shorter one", mostBytes)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

// nobody is what a password is compared with where the user does not exist, so
// that the answer takes as long.
var nobody = sync.OnceValue(func() []byte {
	hash, _ := bcrypt.GenerateFromPassword([]byte("nobody has this password"), cost)
	return hash
})

// gate lets one password be checked at a time: guesses must not slow the line.
var gate = make(chan struct{}, 1)

// Check gives the user with this name and password, or ErrWrong.
func (f *File) Check(ctx context.Context, name, password string) (User, error) {
	c, err := f.read(0)
	if err != nil {
		return User{}, err
	}
	select {
	case gate <- struct{}{}:
		defer func() { <-gate }()
	case <-ctx.Done():
		return User{}, fmt.Errorf("users: too many log-ins at once: %w", ctx.Err())
	}
	var u User
	hash := nobody()
	if i := c.user(name); i >= 0 {
		u, hash = c.Users[i], []byte(c.Users[i].Hash)
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || u.Name == "" {
		return User{}, ErrWrong
	}
	return u, nil
}

// User gives the user as of now; false where there is none any more.
func (f *File) User(name string) (User, bool) {
	c, err := f.read(lookEvery)
	if err != nil {
		return User{}, false
	}
	i := c.user(name)
	if i < 0 {
		return User{}, false
	}
	return c.Users[i], true
}
