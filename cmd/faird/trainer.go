package main

import (
	"fmt"
	"os"

	"faird/pipeline"
	"faird/web/training"
)

// newTrainer makes what trains models beside the line; it has this very program
// do so.
func newTrainer(d *daemon, p *page) (*training.Manager, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("where faird itself is: %w", err)
	}
	return training.New(training.Settings{
		Folder: d.config.Store.Path, Program: []string{program}, Library: d.config.Infer.Library, Config: d.config.Path(),
		Store: d.store, Archive: p.archive, Collect: p.gallery.Collect, Log: d.log,
		Cutter:  func() training.Cutter { return p.cutters.Cutter() },
		Present: d.present, Spare: d.box.Spare,
	}), nil
}

// present is the model that a station judges with.
func (d *daemon) present(station string) (training.Present, error) {
	st, found := d.box.States()[station]
	if !found {
		return training.Present{}, fmt.Errorf("%w: there is no station %q", training.ErrOrder, station)
	}
	if st.Why == pipeline.Starting {
		return training.Present{}, fmt.Errorf("%w yet: station %s is %s", training.ErrOrder, station, st.Why)
	}
	return training.Present{File: d.box.ModelFile(station), Provider: st.Provider, Threshold: st.Threshold}, nil
}
