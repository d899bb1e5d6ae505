package eval

import (
	"slices"

	"faird/fair"
)

// aupro30 is the false-positive rate to which AUPRO is integrated.
const aupro30 = 0.3

// Figures are what an evaluation found: the JSON of faird eval. What cannot be
// known is null: the area under the ROC curve where one kind of picture is
// missing, pixel figures without masks, rates without a threshold.
type Figures struct {
	ImageAUROC  *float64 `json:"image_auroc"` // 0..1
	PixelAUROC  *float64 `json:"pixel_auroc"` // 0..1, at the model's size
	AUPRO30     *float64 `json:"aupro_30"`    // 0..1, to a false-positive rate of 0.3
	Images      int      `json:"images"`
	Good        int      `json:"good"`
	Defective   int      `json:"defective"`
	Threshold   *float64 `json:"threshold"`
	FalseReject *Rate    `json:"false_reject"` // good pictures at or above the threshold
	SlipThrough *Rate    `json:"slip_through"` // defective pictures below it
	Model       string   `json:"model"`        // "sha256:…" of the model file
}

// Measure works the figures out of pictures that were judged. Model is left to
// the caller; threshold nil leaves the rates out.
func Measure(pictures []Picture, threshold *float64) (Figures, error) {
	f := Figures{Images: len(pictures), Threshold: threshold}
	scores, defective := make([]float64, len(pictures)), make([]bool, len(pictures))
	for i := range pictures {
		scores[i], defective[i] = pictures[i].Score, pictures[i].Defective
		if defective[i] {
			f.Defective++
		}
	}
	f.Good = f.Images - f.Defective
	if f.Good > 0 && f.Defective > 0 {
		area, err := fair.AUROC(scores, defective)
		if err != nil {
			return f, err
		}
		f.ImageAUROC = &area
	}
	if threshold != nil {
		f.rates(scores, defective, *threshold)
	}
	return f, nil
}

func (f *Figures) rates(scores []float64, defective []bool, threshold float64) {
	rejected, slipped := 0, 0
	for i, score := range scores {
		switch {
		case defective[i] && score < threshold:
			slipped++
		case !defective[i] && score >= threshold:
			rejected++
		}
	}
	if f.Good > 0 {
		r := NewRate(rejected, f.Good)
		f.FalseReject = &r
	}
	if f.Defective > 0 {
		r := NewRate(slipped, f.Defective)
		f.SlipThrough = &r
	}
}

// truth is the maps of pictures whose true regions are known, at the model's size.
type truth struct {
	w, h  int
	maps  [][]float32
	masks [][]byte
}

// add keeps a copy of the map.
func (t *truth) add(scores []float32, mask []byte) {
	t.maps, t.masks = append(t.maps, slices.Clone(scores)), append(t.masks, mask)
}

// measure adds the pixel figures, where good and defective pixels are known.
// Each pixel takes 22 bytes while it runs.
func (t *truth) measure(f *Figures) error {
	good, bad := t.kinds()
	if !good || !bad {
		return nil
	}
	overlap, err := fair.AUPRO(t.maps, t.masks, t.h, t.w, aupro30)
	if err != nil {
		return err
	}
	n := t.w * t.h * len(t.maps)
	scores, defective := make([]float64, 0, n), make([]bool, 0, n)
	for i, m := range t.maps {
		for k, v := range m {
			scores, defective = append(scores, float64(v)), append(defective, t.masks[i][k] != 0)
		}
	}
	area, err := fair.AUROC(scores, defective)
	if err != nil {
		return err
	}
	f.PixelAUROC, f.AUPRO30 = &area, &overlap
	return nil
}

func (t *truth) kinds() (good, bad bool) {
	for _, m := range t.masks {
		good = good || slices.Contains(m, 0)
		bad = bad || slices.Contains(m, 1)
	}
	return good, bad
}
