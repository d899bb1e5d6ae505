package inspect

import (
	"context"
	"errors"
	"time"

	"gocv.io/x/gocv"

	"faird/inspect/geometry"
	"faird/verdict"
)

// judge compares an inspected picture with its restoration: as a whole, or tile
// by tile. Its views are valid until the next picture.
type judge interface {
	judge(ctx context.Context, part gocv.Mat, t *lap) (score float64, err error)
	maps() *mapSet
	fromMap() geometry.Affine // from the map to the inspected picture
	again(ctx context.Context) error
	close() error
}

// errNotFinite is what a network or a model file deserves, and no picture.
var errNotFinite = errors.New("network: it returned values that are not finite numbers: the model file or the provider is broken")

// lap adds up how long each stage of one picture takes.
type lap struct {
	last   time.Time
	stages verdict.Stages
}

// took adds the time since the last stage ended.
func (l *lap) took(stage *float64) {
	now := time.Now()
	*stage += verdict.Millis(now.Sub(l.last))
	l.last = now
}
