package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// digest names a data set by the names, the labels and the bytes of its
// pictures and masks, in order: who signs a report signs these pictures.
type digest struct{ sum hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

func (d digest) add(item Item) error {
	fmt.Fprintf(d.sum, "%q %q\n", item.Name, item.Kind)
	for _, path := range []string{item.Path, item.Mask} {
		if path == "" {
			continue
		}
		if err := d.file(path); err != nil {
			return err
		}
	}
	return nil
}

func (d digest) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	one := sha256.New()
	if _, err := io.Copy(one, f); err != nil {
		return err
	}
	_, err = d.sum.Write(one.Sum(nil))
	return err
}

func (d digest) String() string { return "sha256:" + hex.EncodeToString(d.sum.Sum(nil)) }
