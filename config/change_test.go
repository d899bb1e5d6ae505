package config

import (
	"strings"
	"testing"
	"time"
)

func TestStationLimitsThatCannotBe(t *testing.T) {
	for text, change := range map[string]func(s *Station){
		"":                            func(*Station) {},
		"drift.weight: 2":             func(s *Station) { s.Drift.Weight = 2 },
		"drift.width: 0":              func(s *Station) { s.Drift.Width = 0 },
		"change.difference: 0":        func(s *Station) { s.Trigger.Change.Difference = 0 },
		"change.enter: 1.5":           func(s *Station) { s.Trigger.Change.Enter = 1.5 },
		"change.leave: 0.5":           func(s *Station) { s.Trigger.Change.Leave = 0.5 },
		"change.debounce: 0":          func(s *Station) { s.Trigger.Change.Debounce = 0 },
		"change.absorb: -1s":          func(s *Station) { s.Trigger.Change.Absorb = -time.Second },
		"change.region: starts at -1": func(s *Station) { s.Trigger.Change.Region = Rect{-1, 0, 5, 5} },
		"change.delay: 3s": func(s *Station) {
			s.Trigger.Mode, s.Trigger.Change.Delay = "change", 3*time.Second
		},
		"validity.frozen: -1s":       func(s *Station) { s.Validity.Frozen = -time.Second },
		"validity.dark_max: 1.2":     func(s *Station) { s.Validity.DarkMax = ptr(1.2) },
		"validity.brightness_min: 9": func(s *Station) { s.Validity.BrightnessMin, s.Validity.BrightnessMax = ptr(9.0), ptr(8.0) },
	} {
		s := DefaultStation()
		s.Name, s.Camera.URL, s.Model = "cap", "demo://", DemoModel
		change(&s)
		k := &checker{}
		k.stations([]Station{s})
		got := ""
		if err := k.problems.err(); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, text) || (text == "") != (got == "") {
			t.Errorf("want %q, got %q", text, got)
		}
	}
}

func TestValidityEqual(t *testing.T) {
	a, b := Validity{Frozen: time.Second, DarkMax: ptr(0.5)}, Validity{Frozen: time.Second, DarkMax: ptr(0.5)}
	if !a.Equal(b) {
		t.Error("equal limits differ")
	}
	b.AspectMax = ptr(2.0)
	if a.Equal(b) || a.Equal(Validity{DarkMax: ptr(0.5)}) || a.Equal(Validity{Frozen: time.Second, DarkMax: ptr(0.6)}) {
		t.Error("other limits are equal")
	}
}
