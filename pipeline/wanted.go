package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"faird/config"
	"faird/inspect"
)

// fromRegions is the origin of thresholds that are the regions', not the
// station's.
const fromRegions = "regions"

// wanted is what a station's inspector has to be.
type wanted struct {
	print  string     // differs where another inspector is needed
	limits Thresholds // of Origin fromRegions where there are several regions
}

// want reads the files that a station's inspector is made of.
func want(c config.Station, override *Thresholds) (wanted, error) {
	w := wanted{limits: Thresholds{Origin: fromRegions}}
	sum := sha256.New()
	for _, one := range regions(c) {
		f, err := ReadModel(one.Model)
		if err != nil {
			return w, fmt.Errorf("station %s: %w", one.Name, err)
		}
		if len(c.Regions) > 0 {
			override = nil // it was for the station as a whole
		}
		limits, err := thresholds(one, f, override)
		if err != nil {
			return w, err
		}
		if len(c.Regions) == 0 {
			w.limits = limits
		} else {
			note(sum, limits)
		}
		note(sum, one.Name, f.Hash, one.ROI, one.Rotate, one.Flip, one.Tiles, one.Validity, one.Drift)
		if err := noteFile(sum, one.IgnoreMask); err != nil {
			return w, fmt.Errorf("station %s: ignore_mask: %w", one.Name, err)
		}
	}
	if a := c.Align; a != nil {
		note(sum, a)
		if err := noteFile(sum, a.Reference); err != nil {
			return w, fmt.Errorf("station %s: align.reference: %w", c.Name, err)
		}
	}
	w.print = fmt.Sprintf("%x", sum.Sum(nil))
	return w, nil
}

// regions are what a station inspects, each as a station that inspects nothing
// else.
func regions(c config.Station) []config.Station {
	several := c.Several()
	if several == nil {
		return []config.Station{c}
	}
	var all []config.Station
	for _, r := range several {
		one := c
		one.Name += ", region " + r.Name
		one.Model, one.Threshold, one.Review = r.Model, r.Threshold, r.Review
		one.ROI, one.IgnoreMask, one.Rotate, one.Flip, one.Tiles = r.ROI, r.IgnoreMask, r.Rotate, r.Flip, r.Tiles
		one.Align, one.Regions = nil, nil
		all = append(all, one)
	}
	return all
}

func note(sum hash.Hash, values ...any) {
	_ = json.NewEncoder(sum).Encode(values) // of plain values, into memory
}

// noteFile adds a file's content, or that there is none.
func noteFile(sum hash.Hash, path string) error {
	note(sum, path != "")
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(sum, f)
	return err
}

// makeSwap loads the models and makes the inspector of a station.
func (m *models) makeSwap(ctx context.Context, c config.Station, limits Thresholds) (*swap, error) {
	if len(c.Regions) == 0 {
		return m.makeOne(ctx, c, limits)
	}
	all := &several{}
	w := &swap{inspector: all, limits: limits, release: func() {}, drift: c.Drift}
	for n, one := range regions(c) {
		part, err := m.makePart(ctx, one, w)
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
func (m *models) makePart(ctx context.Context, one config.Station, w *swap) (*part, error) {
	f, err := ReadModel(one.Model)
	if err != nil {
		return nil, fmt.Errorf("station %s: %w", one.Name, err)
	}
	limits, err := thresholds(one, f, nil)
	if err != nil {
		return nil, err
	}
	made, err := m.makeOne(ctx, one, limits)
	if err != nil {
		return nil, err
	}
	others := w.release
	w.release = func() { made.release(); others() }
	w.calibrated = append(w.calibrated, made.calibrated...)
	return &part{inspector: made.inspector.(*inspect.Inspector), limits: limits, view: made.view}, nil
}

// makeOne makes the inspector of a station with one region.
func (m *models) makeOne(ctx context.Context, c config.Station, limits Thresholds) (*swap, error) {
	loaded, release, err := m.acquire(ctx, c.Model)
	if err != nil {
		return nil, fmt.Errorf("station %s: %w", c.Name, err)
	}
	i, err := loaded.NewInspector(inspectOptions(c, loaded.File().Calibration))
	if err != nil {
		release()
		return nil, fmt.Errorf("station %s: %w", c.Name, err)
	}
	return &swap{
		inspector: i, release: release, limits: limits, view: view{model: loaded.File().Hash, provider: loaded.Provider()},
		drift: c.Drift, calibrated: []calibrated{{calibration: loaded.File().Calibration}},
	}, nil
}

// errSeveral refuses what is meant for a station with one region.
var errSeveral = errors.New("the station has several regions, each with a model and thresholds of its own: change them in the config file")
