package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"faird/eval"
	"faird/pipeline/gallery"
	"faird/store"
)

// mostReviewed pictures are judged by both models: the newest.
const mostReviewed = 500

// sidecar is what lies beside the pictures of a verdict in an archive.
const sidecar = "verdict.json"

// compare judges, by both models, the pictures that people marked and no model
// was trained on, as the station would judge them.
func (m *Manager) compare(ctx context.Context, j *Job) (*Comparison, error) {
	labelled, err := m.Store.Labelled(ctx, j.Station, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	reviewed := slices.DeleteFunc(labelled, func(l store.Labelled) bool { return l.Truth == store.Good && !heldOut(l.ID) })
	reviewed = reviewed[max(0, len(reviewed)-mostReviewed):]
	folder := filepath.Join(m.dir, "reviewed")
	if reviewed, err = m.copied(ctx, reviewed, folder); err != nil || len(reviewed) == 0 {
		return &Comparison{Pictures: []Reviewed{}}, err
	}
	present, err := m.Present(j.Station)
	if err != nil {
		return nil, err
	}
	if present.File == "" {
		return nil, errors.New("the station has several regions now")
	}
	now, err := m.judged(ctx, folder, present.File, present.Threshold)
	if err != nil {
		return nil, err
	}
	then, err := m.judged(ctx, folder, j.Result.File, nil)
	if err != nil {
		return nil, err
	}
	return compared(reviewed, now, then)
}

// copied are those whose pictures are there, copied so that the archive may give
// them up meanwhile.
func (m *Manager) copied(ctx context.Context, reviewed []store.Labelled, folder string) (out []store.Labelled, _ error) {
	if err := os.RemoveAll(folder); err != nil {
		return nil, err
	}
	for _, l := range reviewed {
		if err := errors.Join(ctx.Err(), m.room()); err != nil {
			return nil, err
		}
		picture, err := m.readAll(l.Picture, gallery.Original.File())
		if err != nil {
			continue // it has just left the archive
		}
		note, err := m.readAll(l.Picture, sidecar)
		if err != nil {
			continue
		}
		dir := filepath.Join(folder, l.ID)
		err = errors.Join(os.MkdirAll(dir, 0o750),
			os.WriteFile(filepath.Join(dir, gallery.Original.File()), picture, 0o640),
			os.WriteFile(filepath.Join(dir, sidecar), note, 0o640))
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// judgement is what a model says of the pictures.
type judgement struct {
	scores    map[string]*float64 // by id
	threshold *float64
}

// judged has faird replay judge the pictures of a folder.
func (m *Manager) judged(ctx context.Context, folder, model string, threshold *float64) (judgement, error) {
	args := []string{"replay", "--archive", folder, "--model", model, "--provider", "cpu", "--all", "--json"}
	if m.Config != "" {
		args = append(args, "--config", m.Config)
	}
	if m.Library != "" {
		args = append(args, "--library", m.Library)
	}
	if threshold != nil {
		args = append(args, "--threshold", strconv.FormatFloat(*threshold, 'g', -1, 64))
	}
	out, err := m.run(ctx, m.heard, args...)
	if err != nil {
		return judgement{}, err
	}
	var r struct {
		Flipped []struct {
			ID        string   `json:"id"`
			Score     *float64 `json:"new_score"`
			Threshold *float64 `json:"new_threshold"`
		} `json:"flipped"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return judgement{}, fmt.Errorf("the answer of faird replay: %w", err)
	}
	j := judgement{scores: map[string]*float64{}, threshold: threshold}
	for _, one := range r.Flipped {
		j.scores[one.ID] = one.Score
		if one.Threshold != nil {
			j.threshold = one.Threshold
		}
	}
	return j, nil
}

// compared works the figures out, of the pictures that both could judge.
func compared(reviewed []store.Labelled, now, then judgement) (*Comparison, error) {
	c := &Comparison{Pictures: []Reviewed{}}
	var a, b []eval.Picture
	for _, l := range slices.Backward(reviewed) {
		r := Reviewed{ID: l.ID, Truth: l.Truth, Present: now.scores[l.ID], Trained: then.scores[l.ID]}
		c.Pictures = append(c.Pictures, r)
		if r.Present == nil || r.Trained == nil {
			continue
		}
		item := eval.Item{Name: l.ID, Defective: l.Truth == store.Defect}
		a = append(a, eval.Picture{Item: item, Score: *r.Present})
		b = append(b, eval.Picture{Item: item, Score: *r.Trained})
		if item.Defective {
			c.Defect++
		} else {
			c.Good++
		}
	}
	var errA, errB error
	c.Present, errA = eval.Measure(a, now.threshold)
	c.Trained, errB = eval.Measure(b, then.threshold)
	return c, errors.Join(errA, errB)
}
