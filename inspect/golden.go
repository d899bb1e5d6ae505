package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gocv.io/x/gocv"

	"faird/model"
)

// ErrGolden is wrapped by the error of CheckGolden when a model does not give
// its own scores on this machine.
var ErrGolden = errors.New("the scores of this machine cannot be trusted")

// CheckGolden scores the model file's golden samples the way every picture is
// scored, and compares with the scores they had where the model was made. The
// error names the sample that is furthest beyond its tolerance for the
// precision in use. A file without samples passes: it says nothing to check.
func (m *Model) CheckGolden(ctx context.Context) error {
	inspector, err := m.NewInspector(Options{})
	if err != nil {
		return fmt.Errorf("golden samples: %w", err)
	}
	defer inspector.Close()
	worst := deviation{}
	for n := range m.file.Golden {
		d, err := m.deviation(ctx, inspector, n)
		if err != nil {
			return fmt.Errorf("model %s: golden sample %d: %w", m.file.Path, n, err)
		}
		if d.ratio() >= worst.ratio() {
			worst = d
		}
	}
	m.log.Debug().Str("model", m.file.Path).Int("samples", len(m.file.Golden)).
		Float64("deviation", worst.value).Float64("tolerance", worst.tolerance).Msg("golden samples")
	if worst.ratio() > 1 {
		return fmt.Errorf("model %s: golden sample %d scores %.6f on %s (%s), expected %.6f within %.2g: %w",
			m.file.Path, worst.sample, worst.score, m.Provider(), m.Precision(), worst.expected, worst.tolerance, ErrGolden)
	}
	return nil
}

// deviation is how far a sample's score is from what it was.
type deviation struct {
	sample           int
	score, expected  float64
	value, tolerance float64
}

// ratio is above 1 beyond the tolerance.
func (d deviation) ratio() float64 {
	if d.tolerance == 0 {
		return 0
	}
	return d.value / d.tolerance
}

func (m *Model) deviation(ctx context.Context, i *Inspector, n int) (deviation, error) {
	sample := &m.file.Golden[n]
	tolerance, err := toleranceOf(sample, m.Precision())
	if err != nil {
		return deviation{}, err
	}
	picture := gocv.NewMat()
	defer picture.Close()
	if err := decode(sample.PNG, &picture); err != nil {
		return deviation{}, err
	}
	var r Result
	if err := i.Inspect(ctx, picture, nil, &r); err != nil {
		return deviation{}, err
	}
	return deviation{n, r.Score, sample.Score, math.Abs(r.Score - sample.Score), tolerance}, nil
}

func toleranceOf(g *model.GoldenSample, precision string) (float64, error) {
	tolerance, ok := g.Tolerance[precision]
	if !ok {
		known := slices.Sorted(maps.Keys(g.Tolerance))
		return 0, fmt.Errorf("it has no tolerance for %s, only for %s: choose another provider or calibrate the model again",
			precision, strings.Join(known, ", "))
	}
	return tolerance, nil
}
