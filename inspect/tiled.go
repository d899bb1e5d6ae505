package inspect

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/inspect/geometry"
)

// maxBatch bounds how many tiles go through the network at once.
const maxBatch = 8

// tiled judges an inspected picture tile by tile. The tiles' maps are put
// together before they are smoothed, each weighed least at its edges, so that a
// defect on a seam is as a defect anywhere.
type tiled struct {
	lens    *lens
	tiles   config.Tiles
	batch   int
	maker   maker // of a batch of tiles
	scoring fair.Scoring
	normal  *fair.Field // at the size of a tile; nil: the score is not normalised
	mask    gocv.Mat    // of the inspected picture; empty: nothing is ignored

	// What follows is made anew where a picture has another size than the last.
	size     image.Point
	grid     *geometry.Grid
	judged   []int // the tiles that are not ignored
	smoother *fair.Smoother
	whole    fair.Maps // of all tiles
	planes   []float32 // [batch,3,h,w]
	input    []float32 // nil: the run filters the tiles itself
	set      mapSet
}

// newTiled makes a judge for tiles. size is that of the inspected pictures, or
// zero where the first one will tell: their tiles then go one by one, for the
// runner's batch is fixed from the start.
func newTiled(m *Model, l *lens, c config.Tiles, mask gocv.Mat, size image.Point) (*tiled, error) {
	spec := &m.file.Spec
	t := &tiled{lens: l, scoring: spec.Scoring, mask: mask, batch: 1, tiles: c}
	if spec.Normal != nil {
		t.normal = spec.Normal.Field(l.h, l.w)
	}
	if size != (image.Point{}) {
		if err := t.lay(size); err != nil {
			return t, err
		}
		runs := (len(t.judged) + maxBatch - 1) / maxBatch
		t.batch = (len(t.judged) + runs - 1) / runs
	}
	if m.file.Batch != 0 {
		t.batch = m.file.Batch
	}
	var err error
	if t.maker, err = newMaker(m, t.batch); err != nil {
		return t, err
	}
	t.planes, t.input = t.maker.buffers(m.file)
	return t, nil
}

// lay makes what depends on the inspected picture's size.
func (t *tiled) lay(size image.Point) error {
	grid, err := newGrid(size, t.tiles, t.lens.w, t.lens.h)
	if err != nil {
		return err
	}
	whole := grid.Size()
	smoother, err := fair.NewSmoother(whole.Y, whole.X, t.scoring)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	set := mapSet{w: whole.X, h: whole.Y, share: smoother.Share}
	if !t.mask.Empty() {
		if set.ignore, err = shrinkMask(t.mask, whole.X, whole.Y); err != nil {
			return err
		}
	}
	t.size, t.grid, t.smoother, t.set = size, grid, smoother, set
	t.whole = fair.NewMaps(whole.Y, whole.X)
	if t.normal != nil {
		t.smoother.Normalise(t.field(whole), set.ignore)
	}
	t.choose()
	return nil
}

// field puts the fields of the tiles together as their maps are: a tile is to be
// like the images that the model learnt from, wherever it lies.
func (t *tiled) field(whole image.Point) *fair.Field {
	f := fair.NewField(whole.Y, whole.X)
	for n := range t.grid.Tiles() {
		for term := range fair.Terms {
			t.grid.Blend(n, t.normal.Mean[term], f.Mean[term])
			t.grid.Blend(n, t.normal.Std[term], f.Std[term])
		}
	}
	return f
}

// choose lists the tiles of which anything counts.
func (t *tiled) choose() {
	t.judged = t.judged[:0]
	for n := range t.grid.Tiles() {
		place := t.grid.Place(n)
		counts := t.set.ignore == nil
		for y := place.Min.Y; y < place.Max.Y && !counts; y++ {
			counts = slices.Contains(t.set.ignore[y*t.set.w+place.Min.X:y*t.set.w+place.Max.X], 0)
		}
		if counts {
			t.judged = append(t.judged, n)
		}
	}
}

func (t *tiled) judge(ctx context.Context, part gocv.Mat, l *lap) (float64, error) {
	if size := image.Pt(part.Cols(), part.Rows()); size != t.size {
		if err := t.lay(size); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrPicture, err)
		}
	}
	clear(t.whole.Gradient)
	clear(t.whole.Lightness)
	clear(t.whole.Colour)
	for batch := range slices.Chunk(t.judged, t.batch) {
		if err := t.some(ctx, part, batch, l); err != nil {
			return 0, err
		}
	}
	if err := t.lens.worth(t.grid.Tile(0).Size()); err != nil {
		return 0, err
	}
	score := t.smoother.Smooth(t.whole, t.set.ignore)
	if math.IsNaN(score) {
		return 0, errNotFinite
	}
	return score, nil
}

// some runs one batch of tiles and blends their maps in.
func (t *tiled) some(ctx context.Context, part gocv.Mat, tiles []int, l *lap) error {
	for slot, n := range tiles {
		if err := t.take(part, n, slot); err != nil {
			return err
		}
	}
	l.took(&l.stages.Prepare)
	l.rest()
	if err := l.restored(ctx, t.maker.runner, t.maker.runner.Run(ctx)); err != nil {
		return err
	}
	for slot, n := range tiles {
		if !t.blend(n, slot) {
			return errNotFinite
		}
	}
	l.took(&l.stages.Score)
	return nil
}

func (t *tiled) take(part gocv.Mat, n, slot int) error {
	tile := part.Region(t.grid.Tile(n))
	defer tile.Close()
	return t.lens.take(tile, share(t.planes, slot, t.batch), share(t.input, slot, t.batch))
}

// blend is false where the network answered with what is no number.
func (t *tiled) blend(n, slot int) bool {
	m, finite := t.maker.compare(t.planes, slot)
	if !finite {
		return false
	}
	t.grid.Blend(n, m.Gradient, t.whole.Gradient)
	t.grid.Blend(n, m.Colour, t.whole.Colour)
	if t.normal != nil {
		t.grid.Blend(n, m.Lightness, t.whole.Lightness)
	}
	return true
}

// share is the i-th of n equal parts.
func share(all []float32, i, n int) []float32 {
	size := len(all) / n
	return all[i*size : (i+1)*size]
}

func (t *tiled) maps() *mapSet {
	if t.smoother != nil { // nil: no picture yet
		t.set.smoothed = t.smoother.Map()
	}
	return &t.set
}

func (t *tiled) fromMap() geometry.Affine { return t.grid.FromMap() }

func (t *tiled) again(ctx context.Context) error { return t.maker.runner.Run(ctx) }

func (t *tiled) close() error {
	return errors.Join(t.lens.close(), t.mask.Close(), t.maker.close())
}
