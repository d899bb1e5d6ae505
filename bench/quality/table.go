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
	Reject     *rate    `json:"false_reject"`
	Slip       *rate    `json:"slip_through"`
}

type rate struct {
	Rate float64 `json:"rate"`
}

func (r *rate) value() *float64 {
	if r == nil {
		return nil
	}
	return &r.Rate
}

var figures = []struct {
	name string
	of   func(result) *float64
}{
	{"image AUROC", func(r result) *float64 { return r.ImageAUROC }},
	{"pixel AUROC", func(r result) *float64 { return r.PixelAUROC }},
	{"AUPRO", func(r result) *float64 { return r.AUPRO30 }},
	{"false rejects", func(r result) *float64 { return r.Reject.value() }},
	{"slip-through", func(r result) *float64 { return r.Slip.value() }},
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

// table sets the mean over the seeds of each figure beside another run's, in per
// cent, with the difference in points.
func table(sets []string, beside, ours []result) string {
	var b strings.Builder
	b.WriteString("| data set | figure | beside, mean | each seed | mean | difference |\n|---|---|---|---|---|---|\n")
	for _, set := range sets {
		for _, f := range figures {
			theirs, have := mean(beside, set, f.of)
			got, each := mean(ours, set, f.of)
			if len(each) == 0 {
				continue
			}
			before, difference := "", ""
			if len(have) > 0 {
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
