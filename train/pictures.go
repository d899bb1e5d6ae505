package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"runtime"

	"golang.org/x/sync/errgroup"

	"faird/train/calibrate"
	"faird/train/defect"
)

// pictures are the pictures of a folder at the model's size.
type pictures struct {
	names  []string // their files
	pool   defect.Pool
	sizes  []image.Point // of each before it was resized
	parts  []int         // of each: equal for near-duplicates, as examine.Report has them
	broken []error       // one for each picture left out
}

// read reads pictures once, to 8-bit BGR [h, w, 3]. Broken ones are left out;
// more than 5% of them are an error. tell is called after each, on the caller's
// goroutine.
func read(ctx context.Context, files []calibrate.Picture, tell func(Progress)) (*pictures, error) {
	pool, broken := make(defect.Pool, len(files)), make([]error, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // one hands out the work
	finished := make(chan struct{}, len(files))
	group.Go(func() error {
		for i, file := range files {
			group.Go(func() error {
				pool[i], broken[i] = file.Read()
				finished <- struct{}{}
				return ctx.Err()
			})
		}
		return nil
	})
	for n := range files {
		select {
		case <-finished:
			tell(Progress{Stage: Reading, Done: n + 1, Total: len(files)})
		case <-ctx.Done():
			_ = group.Wait() // workers only say that ctx ended
			return nil, ctx.Err()
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p := &pictures{}
	for i, file := range files {
		if broken[i] != nil {
			p.broken = append(p.broken, broken[i])
			continue
		}
		p.names, p.pool, p.sizes = append(p.names, file.Name), append(p.pool, pool[i]), append(p.sizes, file.Size())
	}
	return p, calibrate.TooBroken(p.broken, len(files))
}

// forCalibration is the pictures as a calibration takes them.
func (p *pictures) forCalibration() []calibrate.Picture {
	good := calibrate.Pool(p.names, p.pool)
	for i := range good {
		if p.parts != nil {
			good[i].Part = p.parts[i] + 1
		}
		good[i].Size = func() image.Point { return p.sizes[i] }
	}
	return good
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
		s.names, s.pool, s.sizes = append(s.names, p.names[i]), append(s.pool, p.pool[i]), append(s.sizes, p.sizes[i])
		if p.parts != nil {
			s.parts = append(s.parts, p.parts[i])
		}
	}
	return s
}
