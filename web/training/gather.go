package training

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"faird/pipeline/gallery"
	"faird/store"
	"faird/verdict"
)

const (
	lookEvery = time.Second // for pictures that have come
	pageSize  = 200
	// mostBytes bounds the pictures of a job.
	mostBytes = 8 << 30
	// roomFor is the free space that a job leaves, beyond the archive's floor.
	roomFor = 512 << 20
)

// heldOut are one picture in four, the same ones in every job: no model is ever
// trained on them, so that models can be compared by them.
func heldOut(id string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()%4 == 0
}

// gatherer writes what the model will see of good pictures into a folder.
type gatherer struct {
	*Manager
	order  Order
	folder string
	cutter Cutter
	have   map[string]bool // ids of verdicts
	bytes  int64
}

func (m *Manager) newGatherer(o Order) (*gatherer, error) {
	g := &gatherer{Manager: m, order: o, folder: m.good(), cutter: m.Cutter(), have: map[string]bool{}}
	if err := os.MkdirAll(g.folder, 0o750); err != nil {
		return nil, errors.Join(fmt.Errorf("training: %w", err), g.cutter.Close())
	}
	entries, err := os.ReadDir(g.folder) // of before a restart
	if err != nil {
		return nil, errors.Join(fmt.Errorf("training: %w", err), g.cutter.Close())
	}
	for _, e := range entries {
		id, _, _ := strings.Cut(e.Name(), "_")
		g.have[id] = true
		if info, err := e.Info(); err == nil {
			g.bytes += info.Size()
		}
	}
	return g, nil
}

func (m *Manager) good() string { return filepath.Join(m.dir, "good") }

// gather fills the folder of good pictures.
func (m *Manager) gather(ctx context.Context, j *Job) error {
	g, err := m.newGatherer(j.Order)
	if err != nil {
		return err
	}
	defer g.cutter.Close()
	switch j.Source {
	case Marked, Passes:
		err = g.fromHistory(ctx)
	default:
		err = g.live(ctx, j.Started)
	}
	g.tell()
	if n := len(g.have); err == nil && n < fewest {
		return fmt.Errorf("%d good pictures are too few, at least %d are needed and one in four is kept for comparing: mark more of them good, or train on live pictures", n, fewest)
	}
	return err
}

func (g *gatherer) missing() int { return g.order.Pictures - len(g.have) }

func (g *gatherer) tell() {
	g.show(func(j *Job) {
		j.Gathered = len(g.have)
		j.Progress = Progress{Stage: string(Collecting), Done: len(g.have), Total: g.order.Pictures, Part: float64(len(g.have)) / float64(g.order.Pictures)}
	})
}

// fromHistory takes the newest of what people have marked good, and of passes
// that nobody has marked where they are asked for.
func (g *gatherer) fromHistory(ctx context.Context) error {
	labelled, err := g.Store.Labelled(ctx, g.order.Station, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	for _, l := range slices.Backward(labelled) {
		if l.Truth != store.Good {
			continue
		}
		if err := g.take(ctx, l.Picture); err != nil {
			return err
		}
	}
	search := store.Search{Station: g.order.Station, Kinds: []verdict.Kind{verdict.Pass}, Pictures: true, Marked: store.WithoutMark, Limit: pageSize}
	for g.order.Source == Passes && g.missing() > 0 {
		found, err := g.Store.Find(ctx, search)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := g.take(ctx, *f.Picture); err != nil {
				return err
			}
		}
		if len(found) < search.Limit {
			return nil
		}
		search.Before = found[len(found)-1].Key
	}
	return nil
}

// live waits for the next parts.
func (g *gatherer) live(ctx context.Context, since time.Time) error {
	every := g.order.Source == LiveAny
	defer g.Collect(g.order.Station, 0, every)
	search := store.Search{Station: g.order.Station, From: since, Pictures: true, Limit: pageSize, Kinds: []verdict.Kind{verdict.Pass}}
	if every {
		search.Kinds = append(search.Kinds, verdict.Review, verdict.Fail)
	}
	for tick := time.NewTicker(lookEvery); ; {
		found, err := g.Store.Find(ctx, search)
		if err != nil {
			tick.Stop()
			return err
		}
		for _, f := range found {
			if err := g.take(ctx, *f.Picture); err != nil {
				tick.Stop()
				return err
			}
		}
		if g.missing() <= 0 {
			tick.Stop()
			return nil
		}
		g.Collect(g.order.Station, g.missing()*4/3+1, every) // those held out come too
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
	}
}

// take writes one picture's parts; one that has just left the archive, or that
// there are enough without, is left out.
func (g *gatherer) take(ctx context.Context, p store.Picture) error {
	if err := ctx.Err(); err != nil || g.missing() <= 0 || g.have[p.ID] || heldOut(p.ID) {
		return err
	}
	if err := g.room(); err != nil {
		return err
	}
	picture, err := g.readAll(p, gallery.Original.File())
	if err != nil {
		return nil //nolint:nilerr // the oldest make room at any time
	}
	err = g.cutter.Cut(p.Station, picture, func(_ string, tile int, png []byte) error {
		g.have[p.ID] = true
		if g.bytes += int64(len(png)); g.bytes > mostBytes {
			return fmt.Errorf("the pictures take more than %d GB: ask for fewer", mostBytes>>30)
		}
		return os.WriteFile(filepath.Join(g.folder, fmt.Sprintf("%s_%04d.png", p.ID, tile)), png, 0o640)
	})
	g.tell()
	return err
}

// room says whether the disk has place for a training.
func (m *Manager) room() error {
	s := m.Archive.Stats()
	if left := s.Free - s.Floor; left < roomFor {
		return fmt.Errorf("the disk has %d MB above archive.min_free, and a training needs %d: make room", left>>20, roomFor>>20)
	}
	return nil
}
