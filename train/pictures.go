package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"faird/inspect"
	"faird/train/defect"
)

// extensions of the files that count as pictures; others in a folder are left alone.
var extensions = []string{".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}

// tolerated is the share of pictures that may be broken before the folder is.
const tolerated = 0.05

// pictures are the pictures of a folder at the model's size.
type pictures struct {
	names  []string // within the folder
	pool   defect.Pool
	broken []error // one for each picture left out
}

// find lists the picture files of a folder and the folders in it, in order of
// their names.
func find(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	slices.Sort(paths)
	return paths, nil
}

// read reads pictures once, to 8-bit BGR [h, w, 3]. Broken ones are left out
// and named; more than 5% of them are an error. done is called
// after each, on the caller's goroutine.
func read(ctx context.Context, paths []string, w, h int, done func()) (*pictures, error) {
	pool, broken := make(defect.Pool, len(paths)), make([]error, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // one hands out the work
	finished := make(chan struct{}, len(paths))
	group.Go(func() error {
		for i, path := range paths {
			group.Go(func() error {
				pool[i], broken[i] = readOne(path, w, h)
				finished <- struct{}{}
				return ctx.Err()
			})
		}
		return nil
	})
	for range paths {
		select {
		case <-finished:
			done()
		case <-ctx.Done():
			_ = group.Wait() // workers only say that ctx ended
			return nil, ctx.Err()
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p := &pictures{}
	for i, path := range paths {
		if broken[i] != nil {
			p.broken = append(p.broken, broken[i])
			continue
		}
		p.names, p.pool = append(p.names, path), append(p.pool, pool[i])
	}
	if len(p.broken) > 0 && float64(len(p.broken)) > tolerated*float64(len(paths)) {
		return nil, fmt.Errorf("%d of %d pictures are broken, more than %.0f%%; the first: %w",
			len(p.broken), len(paths), 100*tolerated, p.broken[0])
	}
	return p, nil
}

func readOne(path string, w, h int) ([]byte, error) {
	picture, err := inspect.ReadPicture(path)
	if err != nil {
		return nil, err
	}
	defer picture.Close()
	pixels, err := inspect.AtSize(picture, w, h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pixels, nil
}

// hash names the pictures' content and order.
func (p *pictures) hash() string {
	sum := sha256.New()
	for _, pixels := range p.pool {
		sum.Write(pixels)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// subset is the pictures of the given indices.
func (p *pictures) subset(indices []int) *pictures {
	s := &pictures{}
	for _, i := range indices {
		s.names, s.pool = append(s.names, p.names[i]), append(s.pool, p.pool[i])
	}
	return s
}
