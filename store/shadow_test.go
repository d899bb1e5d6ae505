package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

func TestChoicesOutliveARestart(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	ctx := context.Background()
	if m, err := s.ChosenModel(ctx, "cap"); err != nil || m != nil {
		t.Errorf("chosen %+v, %v before anybody chose", m, err)
	}
	if err := s.SetOverride(ctx, "cap", Override{Threshold: 1, Who: "anna", At: epoch}); err != nil {
		t.Fatal(err)
	}
	model := Choice{Name: "b", Hash: "sha256:b", Was: "sha256:a", Config: "sha256:a", Who: "anna", At: epoch}
	if err := s.ChooseShadow(ctx, "cap", Choice{Name: "b", Hash: "sha256:b", Who: "anna", At: epoch}); err != nil {
		t.Fatal(err)
	}
	if err := s.ChooseModel(ctx, "cap", model, Choice{Who: "anna", At: epoch}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, c)
	got, err := s.ChosenModel(ctx, "cap")
	if err != nil || got == nil {
		t.Fatalf("chosen %+v, %v", got, err)
	}
	got.At = got.At.UTC()
	if *got != model {
		t.Errorf("chosen %+v, want %+v", *got, model)
	}
	if sh, err := s.ChosenShadow(ctx, "cap"); err != nil || sh == nil || sh.Name != "" {
		t.Errorf("shadow %+v, %v: the promoted model is still in shadow", sh, err)
	}
	if o, err := s.Override(ctx, "cap"); err != nil || o != nil {
		t.Errorf("override %+v, %v: it was meant for the model before", o, err)
	}
	if err := s.ForgetModel(ctx, "cap"); err != nil {
		t.Fatal(err)
	}
	if m, err := s.ChosenModel(ctx, "cap"); err != nil || m != nil {
		t.Errorf("chosen %+v, %v after it was forgotten", m, err)
	}
}

// compare keeps what a shadow says of every verdict of a history.
func compare(t *testing.T, s *Store, keys []int64, model string, said ...verdict.Kind) {
	t.Helper()
	var all []Compared
	for i, key := range keys {
		f, err := s.Verdict(context.Background(), fmt.Sprintf("01JDCQ6Q4Z0M2N3P4Q5R6S7T%02d", i))
		if err != nil {
			t.Fatal(err)
		}
		if f.Verdict.Score == nil || said[i] == "" {
			continue
		}
		c := Compared{
			Key: key, Station: f.Verdict.Station, Model: model, Against: "a", Decided: f.Verdict.Verdict, Said: said[i], Had: *f.Verdict.Score,
			At: f.Verdict.Time.Decided.Time,
		}
		if said[i] != verdict.NoRead {
			score := *f.Verdict.Score / 2
			c.Score = &score
		}
		all = append(all, c)
	}
	if err := s.AddCompared(context.Background(), all); err != nil {
		t.Fatal(err)
	}
}

func TestAgreementAndFlips(t *testing.T) {
	s, keys := someHistory(t) // pass, fail, (lid), no_read, (lid), pass
	compare(t, s, keys, "b", verdict.Pass, verdict.Pass, verdict.Fail, "", verdict.Review, verdict.NoRead)
	ctx, pair := context.Background(), Pair{"cap", "b", "a"}
	a, err := s.Agreement(ctx, pair, 100)
	want := map[verdict.Kind]map[verdict.Kind]int{
		verdict.Pass: {verdict.Pass: 1, verdict.NoRead: 1}, verdict.Fail: {verdict.Pass: 1},
	}
	if err != nil || !reflect.DeepEqual(a.Count, want) || !a.Since.Equal(epoch) {
		t.Errorf("agreement %+v, %v, want %v since %s", a, err, want, epoch)
	}
	if a, err := s.Agreement(ctx, pair, 1); err != nil || a.Count[verdict.Pass][verdict.NoRead] != 1 || len(a.Count) != 1 {
		t.Errorf("agreement of the newest alone %+v, %v", a, err)
	}
	all, err := s.Compared(ctx, pair, 100)
	if err != nil || len(all) != 3 || all[0].Key != keys[5] || all[0].Score != nil || all[2].Score == nil || *all[2].Score != 0.05 || all[2].Had != 0.1 {
		t.Errorf("compared %+v, %v", all, err)
	}
	flips, err := s.Flips(ctx, pair, 100, 10)
	if err != nil || len(flips) != 2 || flips[1].Verdict.Verdict != verdict.Fail || flips[1].Said != verdict.Pass || *flips[1].Score != 0.45 {
		t.Errorf("flips %+v, %v", flips, err)
	}
	for name, other := range map[string]Pair{"another shadow": {"cap", "c", "a"}, "another model in force": {"cap", "b", "b"}} {
		if a, err := s.Agreement(ctx, other, 100); err != nil || len(a.Count) != 0 || !a.Since.IsZero() {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

// Many flips of one kind must not hide a rare one.
func TestFlipsOfEveryKind(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	var vs []*verdict.Verdict
	var said []verdict.Kind
	for i := range 20 {
		kind, other := verdict.Pass, verdict.Fail
		if i == 0 {
			kind, other = other, kind
		}
		vs, said = append(vs, judged(i, "cap", kind, 0.4, "")), append(said, other)
	}
	compare(t, s, past(t, s, vs...), "b", said...)
	flips, err := s.Flips(context.Background(), Pair{"cap", "b", "a"}, 100, 5)
	if err != nil || len(flips) != 6 || flips[5].Verdict.Verdict != verdict.Fail {
		t.Errorf("%d flips, %v, want 5 of one kind and the one of the other", len(flips), err)
	}
}

// What a shadow said goes with the verdict it was about.
func TestComparisonsGoWithTheHistory(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir(), MaxBytes: 400_000, MaxAge: time.Hour})
	const rows = 800
	for sequence := uint64(1); sequence <= rows; {
		var keys []int64
		var said []Compared
		for range rows / 8 {
			key := commit(t, s, newVerdict("cap", sequence, verdict.Pass))
			keys, said = append(keys, key), append(said, Compared{Key: key, Station: "cap", Model: "b", Against: "a", Decided: "pass", Said: "pass"})
			sequence++
		}
		if err := s.AddCompared(context.Background(), append(said, Compared{Key: 1 << 40, Station: "cap"})); err != nil {
			t.Fatal(err)
		}
		if err := s.Delivered(context.Background(), keys); err != nil {
			t.Fatal(err)
		}
	}
	var shadows, orphans int
	if err := s.one(context.Background(), `SELECT count(*) FROM shadow`, nil, &shadows); err != nil {
		t.Fatal(err)
	}
	if err := s.one(context.Background(), `SELECT count(*) FROM shadow WHERE key NOT IN (SELECT key FROM history)`, nil, &orphans); err != nil {
		t.Fatal(err)
	}
	if shadows == 0 || shadows == rows || orphans > 0 {
		t.Errorf("%d of %d comparisons are left, %d of them without their verdict", shadows, rows, orphans)
	}
}
