package pipeline

import (
	"context"
	"fmt"

	"faird/config"
	"faird/inspect"
	"faird/pipeline/tasks"
)

// swap is an inspector on its way into the judging loop, with the thresholds
// that go with its model. The loop owns it from then on and closes the one it
// replaces.
type swap struct {
	inspector inspector
	release   func() // gives the models back
	view      view
	limits    Thresholds
	closing   *tasks.Queue // where the inspector is closed; nil: by whoever calls close

	drift      config.Drift
	calibrated []calibrated // what the models of its regions were calibrated on
}

// close has the inspector closed and its models given back. It does not wait for
// that.
func (w swap) close() {
	if w.inspector == nil {
		return
	}
	w.closing.Add("closing the inspector of "+w.view.model, func() {
		_ = w.inspector.Close()
		w.release()
	})
}

// makeSwap loads the models and makes the inspector of a station.
func (m *models) makeSwap(ctx context.Context, from *files, c config.Station, limits Thresholds) (*swap, error) {
	if len(c.Regions) == 0 {
		return m.makeOne(ctx, from, c, limits)
	}
	all := &several{}
	w := &swap{inspector: all, limits: limits, release: func() {}, closing: m.closing, drift: c.Drift}
	for n, one := range regions(c) {
		part, err := m.makePart(ctx, from, one, w)
		if err != nil {
			w.close()
			return nil, err
		}
		part.name = c.Regions[n].Name
		w.calibrated[n].region = part.name
		if all.parts = append(all.parts, part); n == 0 {
			w.view = part.view
		}
	}
	if c.Align != nil {
		var err error
		if all.aligner, err = inspect.NewAligner(*c.Align, c.Camera.MaxPixels); err != nil {
			w.close()
			return nil, fmt.Errorf("station %s: %w", c.Name, err)
		}
	}
	return w, nil
}

// makePart makes one region's inspector and hangs its model's release onto w.
func (m *models) makePart(ctx context.Context, from *files, one config.Station, w *swap) (*part, error) {
	f, err := from.model(ctx, one.Model)
	if err != nil {
		return nil, fmt.Errorf("station %s: %w", one.Name, err)
	}
	limits, err := thresholds(one, f)
	if err != nil {
		return nil, err
	}
	made, err := m.makeOne(ctx, from, one, limits)
	if err != nil {
		return nil, err
	}
	others := w.release
	w.release = func() { made.release(); others() }
	w.calibrated = append(w.calibrated, made.calibrated...)
	return &part{inspector: made.inspector.(*inspect.Inspector), limits: limits, view: made.view}, nil
}

// makeOne makes the inspector of a station with one region.
func (m *models) makeOne(ctx context.Context, from *files, c config.Station, limits Thresholds) (*swap, error) {
	f, err := from.model(ctx, c.Model)
	if err != nil {
		return nil, fmt.Errorf("station %s: %w", c.Name, err)
	}
	loaded, err := m.acquire(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("station %s: %w", c.Name, err)
	}
	file := loaded.Model.File()
	i, err := loaded.Model.NewInspector(inspectOptions(c, file.Calibration))
	if err != nil {
		loaded.Release()
		return nil, fmt.Errorf("station %s: %w", c.Name, err)
	}
	return &swap{
		inspector: i, release: loaded.Release, limits: limits, closing: m.closing,
		view:  view{model: file.Hash, provider: loaded.Model.Provider()},
		drift: c.Drift, calibrated: []calibrated{{calibration: file.Calibration}},
	}, nil
}
