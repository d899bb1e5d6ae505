package calibrate

import (
	"context"
	"errors"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/inspect"
	"faird/model"
)

// judge scores images at the model's size.
type judge struct {
	model     *inspect.Model
	inspector *inspect.Inspector
	w, h      int
	result    inspect.Result
}

// openJudge puts a model on the provider. Close it.
func openJudge(file *model.File, o Options) (_ *judge, err error) {
	m, err := inspect.Open(file, o.Infer, o.Log)
	if err != nil {
		return nil, err
	}
	inspector, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &judge{model: m, inspector: inspector, w: file.Width, h: file.Height}, nil
}

func (j *judge) score(ctx context.Context, pixels []byte) (_ float64, err error) {
	image, err := gocv.NewMatFromBytes(j.h, j.w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	err = j.inspector.Inspect(ctx, image, nil, &j.result)
	return j.result.Score, err
}

// maps is how the last image that was scored differs from its restoration.
func (j *judge) maps() fair.Maps { return j.inspector.Maps() }

func (j *judge) close() error { return errors.Join(j.inspector.Close(), j.model.Close()) }
