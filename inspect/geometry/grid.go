package geometry

import (
	"fmt"
	"image"
	"math"
)

// maxTiles bounds the work that a slip in the settings can ask for.
const maxTiles = 4096

// Grid cuts a picture into overlapping tiles, each of which is brought to one
// size, and says how the tiles' maps make up the map of the whole.
type Grid struct {
	Columns, Rows Axis
}

// Axis is a grid along one side of the picture.
type Axis struct {
	Tile   int   // side of a tile in the picture's pixels
	Starts []int // where each tile begins, in the picture's pixels
	Small  int   // side of a tile's map
	Places []int // where each tile's map begins in the whole map
	Length int   // side of the whole map

	// Weights are each tile's shares [tile][Small] of the whole map. They fall
	// to nought towards a neighbour, where a tile knows least, and make one
	// together at every place.
	Weights [][]float32
}

// NewGrid lays tiles over a picture so that neighbours overlap by at least so
// many pixels; what is over is spread evenly. small is the size of a tile's map.
func NewGrid(picture, tile, small image.Point, overlap int) (*Grid, error) {
	columns, err := newAxis(picture.X, tile.X, small.X, overlap)
	if err != nil {
		return nil, fmt.Errorf("tiles of %dx%d pixels on a picture of %dx%d: across: %w", tile.X, tile.Y, picture.X, picture.Y, err)
	}
	rows, err := newAxis(picture.Y, tile.Y, small.Y, overlap)
	if err != nil {
		return nil, fmt.Errorf("tiles of %dx%d pixels on a picture of %dx%d: down: %w", tile.X, tile.Y, picture.X, picture.Y, err)
	}
	g := &Grid{Columns: columns, Rows: rows}
	if n := g.Tiles(); n > maxTiles {
		return nil, fmt.Errorf("%d tiles of %dx%d pixels on a picture of %dx%d: at most %d are inspected, make them larger", n, tile.X, tile.Y, picture.X, picture.Y, maxTiles)
	}
	return g, nil
}

func newAxis(length, tile, small, overlap int) (Axis, error) {
	switch {
	case tile < 1 || small < 1:
		return Axis{}, fmt.Errorf("a tile of %d pixels, for %d of the model, holds nothing", tile, small)
	case tile > length:
		return Axis{}, fmt.Errorf("a tile of %d pixels is larger than the picture, %d", tile, length)
	case overlap < 0 || overlap > tile/2:
		return Axis{}, fmt.Errorf("an overlap of %d pixels: must be 0 to half a tile, %d", overlap, tile/2)
	}
	count := 1
	if length > tile {
		count = (length-overlap-1)/(tile-overlap) + 1
	}
	a := Axis{Tile: tile, Small: small, Starts: make([]int, count), Places: make([]int, count)}
	for i := 1; i < count; i++ {
		a.Starts[i] = i * (length - tile) / (count - 1)
		a.Places[i] = int(math.Round(float64(a.Starts[i]) * float64(small) / float64(tile)))
	}
	a.Length = a.Places[count-1] + small
	a.weigh()
	return a, nil
}

// weigh makes the weights: a ramp over each overlap, divided by the sum of the
// ramps at that place.
func (a *Axis) weigh() {
	sum := make([]float32, a.Length)
	a.Weights = make([][]float32, len(a.Places))
	for i, place := range a.Places {
		a.Weights[i] = make([]float32, a.Small)
		for x := range a.Weights[i] {
			w := float32(min(a.rise(i, x), a.fall(i, x)))
			a.Weights[i][x] = w
			sum[place+x] += w
		}
	}
	for i, place := range a.Places {
		for x := range a.Weights[i] {
			a.Weights[i][x] /= sum[place+x]
		}
	}
}

// rise goes from 0 to 1 over the overlap of tile i with the one before it.
func (a *Axis) rise(i, x int) float64 {
	if i == 0 {
		return 1
	}
	return ramp(x, a.Places[i-1]+a.Small-a.Places[i])
}

// fall goes from 1 to 0 over the overlap of tile i with the one after it.
func (a *Axis) fall(i, x int) float64 {
	if i == len(a.Places)-1 {
		return 1
	}
	return ramp(a.Small-1-x, a.Places[i]+a.Small-a.Places[i+1])
}

func ramp(x, over int) float64 {
	if x >= over {
		return 1
	}
	return (float64(x) + 0.5) / float64(over)
}

// Tiles is how many there are.
func (g *Grid) Tiles() int { return len(g.Columns.Starts) * len(g.Rows.Starts) }

// Tile is the n-th tile's rectangle in the picture, row by row.
func (g *Grid) Tile(n int) image.Rectangle {
	column, row := g.at(n)
	corner := image.Pt(g.Columns.Starts[column], g.Rows.Starts[row])
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(g.Columns.Tile, g.Rows.Tile))}
}

func (g *Grid) at(n int) (column, row int) {
	return n % len(g.Columns.Starts), n / len(g.Columns.Starts)
}

// Place is the n-th tile's rectangle in the whole map.
func (g *Grid) Place(n int) image.Rectangle {
	column, row := g.at(n)
	corner := image.Pt(g.Columns.Places[column], g.Rows.Places[row])
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(g.Columns.Small, g.Rows.Small))}
}

// Size is that of the whole map.
func (g *Grid) Size() image.Point { return image.Pt(g.Columns.Length, g.Rows.Length) }

// Blend adds the n-th tile's map to the whole one, weighed.
func (g *Grid) Blend(n int, tile, whole []float32) {
	column, row := g.at(n)
	across, down := g.Columns.Weights[column], g.Rows.Weights[row]
	for y, wy := range down {
		from := tile[y*g.Columns.Small:][:g.Columns.Small]
		into := whole[(g.Rows.Places[row]+y)*g.Columns.Length+g.Columns.Places[column]:][:g.Columns.Small]
		for x, wx := range across {
			into[x] += wy * wx * from[x]
		}
	}
}

// FromMap is the way from the whole map to the picture.
func (g *Grid) FromMap() Affine {
	return Scale(float64(g.Columns.Tile)/float64(g.Columns.Small), float64(g.Rows.Tile)/float64(g.Rows.Small))
}
