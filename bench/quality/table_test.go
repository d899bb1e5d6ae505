package main

import (
	"strings"
	"testing"
)

func TestTableComparesMeans(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	baseline := []result{{Data: "a", Seed: 0, ImageAUROC: f(0.9)}, {Data: "a", Seed: 1, ImageAUROC: f(0.8)}, {Data: "b", ImageAUROC: f(0.1), AUPRO30: f(0.5)}}
	ours := []result{{Data: "a", Seed: 0, ImageAUROC: f(0.91)}, {Data: "a", Seed: 1, ImageAUROC: f(0.83)}, {Data: "b", ImageAUROC: f(0.2), AUPRO30: f(0.45)}}
	got := table([]string{"a", "b", "missing"}, baseline, ours)
	for _, want := range []string{
		"| a | image AUROC | 85.0 | 91.0, 83.0 | 87.0 | +2.0 |",
		"| b | image AUROC | 10.0 | 20.0 | 20.0 | +10.0 |",
		"| b | AUPRO | 50.0 | 45.0 | 45.0 | -5.0 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "pixel") || strings.Contains(got, "missing") {
		t.Errorf("rows without figures:\n%s", got)
	}
}
