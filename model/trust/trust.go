// Package trust says whether a file is from somebody whom the box trusts: by a
// minisign signature (Ed25519) that lies beside it. It holds public keys alone,
// signs nothing, and looks at bytes in memory, so that what was checked is what
// is used.
package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"aead.dev/minisign"

	"faird/model/readfile"
)

// Suffix is what a file's signature is called, after its own name.
const Suffix = ".minisig"

// maxBytes bounds a file of keys and a signature: a few hundred bytes each.
const maxBytes = 64 << 10

// ErrUntrusted is wrapped by every error about a file that is not to be used.
var ErrUntrusted = errors.New("it is not used")

// Keys are those whose signatures are trusted. Without any, nothing is checked.
type Keys []minisign.PublicKey

// Signer is who signed a file.
type Signer struct {
	Key     string // its id, as minisign prints it
	Comment string // the trusted comment, which is signed too
}

// Read reads a file of public keys: one of minisign's, or several of them one
// after the other.
func Read(path string) (Keys, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("trusted keys %s: %w", path, err)
	}
	return keys, nil
}

// Parse reads public keys, at least one.
func Parse(text []byte) (Keys, error) {
	var keys Keys
	for lines, n := bufio.NewScanner(bytes.NewReader(text)), 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "untrusted comment:") {
			continue
		}
		var key minisign.PublicKey
		if err := key.UnmarshalText([]byte(line)); err != nil {
			return nil, fmt.Errorf("line %d is not a public key: give the second line of minisign.pub", n)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key in it: give a minisign.pub")
	}
	return keys, nil
}

// Check says whether the bytes of the file at path are what one of the keys
// signed, by the signature beside it, and who did. Every error wraps
// [ErrUntrusted].
func (k Keys) Check(path string, data []byte) (Signer, error) {
	if len(k) == 0 {
		return Signer{}, nil
	}
	text, err := read(path + Suffix)
	if errors.Is(err, os.ErrNotExist) {
		return Signer{}, untrusted(path, "it is not signed: put the signature %s beside it (minisign -Sm %s)", path+Suffix, path)
	}
	if err != nil {
		return Signer{}, untrusted(path, "its signature cannot be read: %v", err)
	}
	return k.Verify(path, data, text)
}

// Verify is Check with the signature's text.
func (k Keys) Verify(path string, data, signature []byte) (Signer, error) {
	var s minisign.Signature
	if err := s.UnmarshalText(signature); err != nil {
		return Signer{}, untrusted(path, "its signature is damaged: copy %s again", path+Suffix)
	}
	who := Signer{Key: fmt.Sprintf("%016X", s.KeyID), Comment: s.TrustedComment}
	known := false
	for _, key := range k {
		if key.ID() != s.KeyID {
			continue
		}
		known = true
		if minisign.Verify(key, data, signature) {
			return who, nil
		}
	}
	if !known {
		return who, untrusted(path, "key %s, which signed it, is not one of the %d that are trusted", who.Key, len(k))
	}
	return who, untrusted(path, "it is not what was signed with key %s: copy it and its signature again", who.Key)
}

func untrusted(path, why string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", path, fmt.Sprintf(why, args...), ErrUntrusted)
}

func read(path string) ([]byte, error) {
	text, err := readfile.Read(path, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}
