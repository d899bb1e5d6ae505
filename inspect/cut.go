package inspect

import (
	"image"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect/geometry"
)

// EachTile calls use for every tile of an inspected picture, in their order, as
// an Inspector with these tiles cuts it for a model of w x h: what such a model
// learns from.
func EachTile(part gocv.Mat, c config.Tiles, w, h int, use func(n int, tile gocv.Mat) error) error {
	grid, err := newGrid(image.Pt(part.Cols(), part.Rows()), c, w, h)
	if err != nil {
		return err
	}
	for n := range grid.Tiles() {
		tile := part.Region(grid.Tile(n))
		err := use(n, tile)
		_ = tile.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// newGrid lays the tiles that the config asks for over pictures of a size, for a
// model of w x h.
func newGrid(size image.Point, c config.Tiles, w, h int) (*geometry.Grid, error) {
	tile := image.Pt(orElse(c.W, w), orElse(c.H, h))
	return geometry.NewGrid(size, tile, image.Pt(w, h), orElse(c.Overlap, min(tile.X, tile.Y)/4))
}

func orElse(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}
