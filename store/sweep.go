package store

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Sweep makes folders and rows agree again, as a crash or a lost database may
// have left them: what was not finished is removed, a whole folder without a row
// gets one, a row without its folder goes. Pictures may come meanwhile.
func (a *Archive) Sweep(ctx context.Context) error {
	rows, err := a.store.pictures(ctx, "")
	if err != nil {
		return err
	}
	known := make(map[string]Picture, len(rows))
	for _, p := range rows {
		known[p.ID] = p
	}
	stations, err := a.list(".")
	if err != nil {
		return err
	}
	for _, station := range stations {
		if strings.HasPrefix(station, unfinished) {
			a.discard(station)
			continue
		}
		if err := a.sweepStation(ctx, station, known); err != nil {
			return err
		}
	}
	return a.forget(ctx, known)
}

func (a *Archive) sweepStation(ctx context.Context, station string, known map[string]Picture) error {
	days, err := a.list(station)
	if err != nil {
		return err
	}
	for _, day := range days {
		ids, err := a.list(path.Join(station, day))
		if err != nil {
			return err
		}
		for _, id := range ids {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := a.sweepFolder(ctx, path.Join(station, day, id), id, known); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepFolder strikes a folder that is as it should be off the known ones.
func (a *Archive) sweepFolder(ctx context.Context, at, id string, known map[string]Picture) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.read(at)
	p, had := known[id]
	switch {
	case err != nil || n.ID != id:
		a.log.Warn().Str("folder", at).Err(err).Msg("an unfinished picture is removed")
		return a.root.RemoveAll(at) // its row, if there is one, goes with those that have no folder
	case had && p.Bytes == n.Bytes:
		delete(known, id)
		return nil
	}
	delete(known, id)
	if err := a.store.addPicture(ctx, n.Picture); err != nil {
		return err
	}
	return a.recount(ctx)
}

// read gives a folder's note once it has seen that every file is whole.
func (a *Archive) read(at string) (n note, err error) {
	text, err := a.root.ReadFile(path.Join(at, sidecar))
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, err
	}
	for name, size := range n.Files {
		info, err := a.root.Stat(path.Join(at, path.Base(name)))
		if err != nil {
			return n, err
		}
		if info.Size() != size {
			return n, errors.New(name + " is not as long as it was written")
		}
	}
	return n, nil
}

// forget drops the rows that have no folder.
func (a *Archive) forget(ctx context.Context, known map[string]Picture) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var gone []string
	for id, p := range known {
		at, err := folder(p.Station, id)
		if err == nil {
			_, err = a.root.Stat(at)
		}
		if err != nil {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := a.store.dropPictures(ctx, gone); err != nil {
		return err
	}
	return a.recount(ctx)
}

func (a *Archive) discard(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.root.RemoveAll(name); err != nil {
		a.log.Warn().Err(err).Str("folder", name).Msg("what is left of a picture could not be removed")
	}
}

// list names what is in a folder that may go away meanwhile.
func (a *Archive) list(at string) ([]string, error) {
	f, err := a.root.Open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.IsDir() {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return names, err
}
