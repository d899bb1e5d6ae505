package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// result is what one run reached; nil is what the data set has no truth for.
type result struct {
	Data       string   `json:"data"`
	Seed       uint64   `json:"seed"`
	ImageAUROC *float64 `json:"image_auroc"` // all 0..1
	PixelAUROC *float64 `json:"pixel_auroc"`
	AUPRO30    *float64 `json:"aupro_30"`
}

var figures = []struct {
	name string
	of   func(result) *float64
}{
	{"image AUROC", func(r result) *float64 { return r.ImageAUROC }},
	{"pixel AUROC", func(r result) *float64 { return r.PixelAUROC }},
	{"AUPRO", func(r result) *float64 { return r.AUPRO30 }},
}

func readBaselines(path string) ([]result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	var file struct{ Runs []result }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file.Runs, nil
}

// table sets the mean over the seeds of each figure beside the baseline's, in
// per cent, with the difference in points.
func table(sets []string, baseline, ours []result) string {
	var b strings.Builder
	b.WriteString("| data set | figure | PyTorch, mean | faird, each seed | mean | difference |\n|---|---|---|---|---|---|\n")
	for _, set := range sets {
		for _, f := range figures {
			theirs, _ := mean(baseline, set, f.of)
			got, each := mean(ours, set, f.of)
			if len(each) == 0 {
				continue
			}
			before, difference := "", ""
			if theirs > 0 {
				before, difference = fmt.Sprintf("%.1f", theirs), fmt.Sprintf("%+.1f", got-theirs)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f | %s |\n", set, f.name, before, strings.Join(each, ", "), got, difference)
		}
	}
	return b.String()
}

// mean is in per cent, with each value as text.
func mean(results []result, set string, of func(result) *float64) (m float64, each []string) {
	for _, r := range results {
		if v := of(r); r.Data == set && v != nil {
			m += 100 * *v
			each = append(each, fmt.Sprintf("%.1f", 100**v))
		}
	}
	if len(each) == 0 {
		return 0, nil
	}
	return m / float64(len(each)), each
}
