package fit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/model/unet"
	"faird/train/fit"
)

func someState() *fit.State {
	return &fit.State{
		Step: 7, Spent: 3 * time.Second,
		Weights: unet.Weights{Parameters: []float32{1, 2, 3}, Statistics: []float32{4}},
		Moment1: []float32{5, 6, 7}, Moment2: []float32{8, 9, 10},
	}
}

func TestCheckpointIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ckpt")
	id := fit.Identity{"width": "16", "seed": "1"}
	if err := fit.Save(path, id, someState()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		data []byte
		id   fit.Identity
		want string // "" is taken
	}{
		{"as written", good, id, ""},
		{"another width", good, fit.Identity{"width": "32", "seed": "1"}, `width is "16" there and "32" here`},
		{"one option more", good, fit.Identity{"width": "16", "seed": "1", "nsa": "true"}, "nsa"},
		{"one option less", good, fit.Identity{"width": "16"}, "another training"},
		{"empty", nil, id, "not a checkpoint"},
		{"another file", []byte("PK\x03\x04 something else"), id, "not a checkpoint"},
		{"a later version", append([]byte("faird checkpoint 2\n"), good[19:]...), id, "not a checkpoint"},
		{"only a beginning", good[:25], id, "damaged"},
		{"one more byte", append(append([]byte{}, good...), 0), id, "damaged"},
	}
	for i := 19; i < len(good); i += 9 {
		flipped := append([]byte{}, good...)
		flipped[i] ^= 4
		cases = append(cases, struct {
			name string
			data []byte
			id   fit.Identity
			want string
		}{"a flipped bit", flipped, id, "damaged"}, struct {
			name string
			data []byte
			id   fit.Identity
			want string
		}{"cut short", good[:i], id, "damaged"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := fit.Load(path, c.id)
			switch {
			case c.want == "" && (err != nil || s.Step != 7 || s.Weights.Statistics[0] != 4 || s.Moment2[2] != 10 || s.Spent != 3*time.Second):
				t.Errorf("read %+v, %v", s, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	other := fit.Identity{"width": "16", "seed": "2"}
	if s, err := fit.Load(path, other, "seed"); err != nil || s.Identity["seed"] != "1" {
		t.Errorf("another seed, which may differ: %v", err)
	}
	if _, err := fit.Load(path, other, "width"); err == nil {
		t.Error("another seed was taken where the width may differ")
	}
	if _, err := fit.Load(filepath.Join(t.TempDir(), "none"), id); err == nil {
		t.Error("a missing checkpoint was read")
	}
}

func TestCheckpointLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		if err := fit.Save(filepath.Join(dir, "a.ckpt"), nil, someState()); err != nil {
			t.Fatal(err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("files %v", entries)
	}
}
