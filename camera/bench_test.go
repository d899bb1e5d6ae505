package camera

import (
	"context"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// instant is a source whose pictures cost nothing: what is measured is the way
// from a source to the taker.
type instant struct{ made *gocv.Mat }

func (instant) open(context.Context) error { return nil }
func (instant) close()                     {}
func (i instant) read(ctx context.Context, f *Frame) error {
	if f.mat.Empty() {
		_ = i.made.CopyTo(&f.mat)
	}
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	return ctx.Err()
}

// BenchmarkHandOver is the cost of one frame from a source that gives each
// picture in turn: no picture is copied or allocated.
func BenchmarkHandOver(b *testing.B) {
	picture := grey(b, 1000, 1000, 7)
	p := plan{every: true, undated: true, source: func(config.Camera, uint64) source { return instant{&picture} }}
	cam := newCamera(withDefaults(config.Camera{}), p, nopLog)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- cam.Run(ctx) }()
	b.ReportAllocs()
	for b.Loop() {
		f, err := cam.Next(ctx, time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// BenchmarkFolder is that of a 1-megapixel PNG from a folder, decoding included;
// its allocations are those of a file name and a wait, not of pictures.
func BenchmarkFolder(b *testing.B) {
	dir := b.TempDir()
	m := grey(b, 1000, 1000, 9)
	gocv.IMWrite(dir+"/a.png", m)
	p, err := parse("file://" + dir + "?loop=true&rate=1000")
	if err != nil {
		b.Fatal(err)
	}
	p.every = true
	cam := newCamera(withDefaults(config.Camera{}), p, nopLog)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- cam.Run(ctx) }()
	b.ReportAllocs()
	for b.Loop() {
		f, err := cam.Next(ctx, time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
