package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Choice is what operators have chosen for a station in place of its config: the
// model in force, or the one in shadow. Names are those of the box's folder of
// models; "" is what the config says, or, of a shadow, none.
type Choice struct {
	Name   string
	Hash   string // of the model file, "" for none
	Before string // Name before; its undoing
	Was    string // Hash before
	Config string // what the config named when it was chosen: it holds as long as that is so
	Who    string
	At     time.Time
}

// What can be chosen.
const (
	chosenModel  = "model"
	chosenShadow = "shadow"
)

// ChosenModel is the model that was promoted, nil where none ever was.
func (s *Store) ChosenModel(ctx context.Context, station string) (*Choice, error) {
	return s.choice(ctx, station, chosenModel)
}

// ChosenShadow is the model that was put in shadow or, with an empty name, taken
// out of it; nil where nobody has chosen.
func (s *Store) ChosenShadow(ctx context.Context, station string) (*Choice, error) {
	return s.choice(ctx, station, chosenShadow)
}

func (s *Store) choice(ctx context.Context, station, what string) (*Choice, error) {
	var c Choice
	var at int64
	err := s.one(ctx, `SELECT name, hash, before, was, config, who, at FROM choice WHERE station = ? AND what = ?`,
		[]any{station, what}, &c.Name, &c.Hash, &c.Before, &c.Was, &c.Config, &c.Who, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.At = time.UnixMicro(at)
	return &c, nil
}

// ChooseModel keeps the choice of a model, and ends with it what was meant for
// the one before: the operator's threshold and the shadow.
func (s *Store) ChooseModel(ctx context.Context, station string, c, shadow Choice) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		if err := w.choose(station, chosenModel, c); err != nil {
			return err
		}
		if err := w.choose(station, chosenShadow, shadow); err != nil {
			return err
		}
		return w.exec(`DELETE FROM override WHERE station = ?`, station)
	}})
}

// ChooseShadow keeps the choice of a shadow.
func (s *Store) ChooseShadow(ctx context.Context, station string, c Choice) error {
	return s.submit(ctx, &job{do: func(w *writer) error { return w.choose(station, chosenShadow, c) }})
}

// ForgetModel goes back to the config's model, and its operator's threshold ends.
func (s *Store) ForgetModel(ctx context.Context, station string) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		if err := w.exec(`DELETE FROM choice WHERE station = ? AND what = ?`, station, chosenModel); err != nil {
			return err
		}
		return w.exec(`DELETE FROM override WHERE station = ?`, station)
	}})
}

func (w *writer) choose(station, what string, c Choice) error {
	return w.exec(`INSERT OR REPLACE INTO choice (station, what, name, hash, before, was, config, who, at) VALUES (?,?,?,?,?,?,?,?,?)`,
		station, what, c.Name, c.Hash, c.Before, c.Was, c.Config, c.Who, c.At.UnixMicro())
}
