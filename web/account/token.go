package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// tokenPrefix makes a secret recognisable where it should not be.
const tokenPrefix = "faird_"

// AddToken adds a machine and returns its secret, which nobody can show again.
// From is an address or a prefix such as 10.1.2.0/24 that it may come from, or
// ""; a lifetime of 0 is for ever.
func (f *File) AddToken(name string, role Role, from string, lifetime time.Duration) (secret string, err error) {
	if !userName.MatchString(name) {
		return "", fmt.Errorf("%q is no name for a token: use letters, digits and . _ @ -, up to 64", name)
	}
	prefix, err := parseFrom(from)
	if err != nil {
		return "", err
	}
	t := Token{Name: name, Role: role, From: prefix, Created: time.Now().UTC()}
	if lifetime > 0 {
		end := t.Created.Add(lifetime)
		t.Expires = &end
	}
	secret = tokenPrefix + Random()
	t.Hash = digest(secret)
	return secret, f.change(func(c *content) error {
		if c.token(name) >= 0 {
			return fmt.Errorf("there is a token %s already: remove it, or choose another name", name)
		}
		c.Tokens = append(c.Tokens, t)
		return nil
	})
}

func parseFrom(from string) (string, error) {
	if from == "" {
		return "", nil
	}
	if addr, err := netip.ParseAddr(from); err == nil {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()).String(), nil
	}
	p, err := netip.ParsePrefix(from)
	if err != nil {
		return "", fmt.Errorf("%q is neither an address nor a prefix such as 10.1.2.0/24", from)
	}
	return p.Masked().String(), nil
}

// RemoveToken takes a machine out.
func (f *File) RemoveToken(name string) error {
	return f.change(func(c *content) error {
		i := c.token(name)
		if i < 0 {
			return fmt.Errorf("there is no token %s: faird token list names them", name)
		}
		c.Tokens = slices.Delete(c.Tokens, i, i+1)
		return nil
	})
}

func (c *content) token(name string) int {
	return slices.IndexFunc(c.Tokens, func(t Token) bool { return t.Name == name })
}

// Machine gives the token of a secret that comes from an address; false where
// there is none, it has expired, or it may not come from there.
func (f *File) Machine(secret string, from netip.Addr) (Token, bool) {
	c, err := f.read(lookEvery)
	if err != nil {
		return Token{}, false
	}
	hash := digest(secret) // of 256 random bits: how long the comparison takes tells nothing
	i := slices.IndexFunc(c.Tokens, func(t Token) bool { return t.Hash == hash })
	if i < 0 {
		return Token{}, false
	}
	t := c.Tokens[i]
	if t.Expires != nil && time.Now().After(*t.Expires) {
		return Token{}, false
	}
	if t.From != "" {
		p, err := netip.ParsePrefix(t.From)
		if err != nil || !p.Contains(from.Unmap()) {
			return Token{}, false
		}
	}
	return t, true
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Random is 256 random bits as text.
func Random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
