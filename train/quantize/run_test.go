package quantize_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/model/demo/small"
	graph "faird/model/quantize"
	"faird/train/calibrate"
	"faird/train/defect"
	"faird/train/quantize"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parts are good parts of the simulated line as the demo's station sees them.
func parts(t *testing.T, file *model.File, n int) []calibrate.Picture {
	t.Helper()
	l := line.New(line.Options{Seed: 3003})
	defer l.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	var names []string
	var pool defect.Pool
	for i := range n {
		l.Render(uint64(i), &frame)
		part := frame.Region(line.Field)
		pixels, err := inspect.AtSize(part, file.Width, file.Height)
		part.Close()
		if err != nil {
			t.Fatal(err)
		}
		names, pool = append(names, fmt.Sprintf("part %d", i)), append(pool, pixels)
	}
	return calibrate.Pool(names, pool)
}

func trained(t *testing.T) *model.File {
	t.Helper()
	file, err := model.Parse(small.Model())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func options(file *model.File, target string) quantize.Options {
	o := quantize.Options{Target: target, Ranges: quantize.Best, Options: calibrate.Default()}
	o.Infer, o.Log = config.Default().Infer, zerolog.Nop()
	o.FalseReject = file.Calibration.FalseReject
	return o
}

func TestRun(t *testing.T) {
	file := trained(t)
	good := parts(t, file, 24)
	for _, target := range []string{graph.CPU, graph.TensorRT} {
		t.Run(target, func(t *testing.T) {
			stages := map[string]bool{}
			got, err := quantize.Run(t.Context(), file, good, options(file, target), func(stage string, done, total int) {
				stages[stage] = stages[stage] || done == total
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Trials) < 2 || got.Chosen.Error > got.Trials[0].Error || got.Chosen.Error > got.Trials[1].Error {
				t.Errorf("chosen %+v of %+v", got.Chosen, got.Trials)
			}
			if got.Chosen.Error > 1e-4 || got.Chosen.Change > 0.05 || got.Loss.Correlation < 0.98 || len(got.Loss.Changed) > 0 {
				t.Errorf("restored %v away, scores %v, loss %+v", got.Chosen.Error, got.Chosen.Change, got.Loss)
			}
			t.Logf("restored %.2g away (mean square), scores %.2f%%, correlation %.4f", got.Chosen.Error, 100*got.Chosen.Change, got.Loss.Correlation)
			check(t, got.File, file, target)
			if !stages["measuring ranges"] || !stages["calibrating"] || !stages["comparing scores"] {
				t.Errorf("progress told of %v", stages)
			}
		})
	}
}

// check looks at the model file as another box would find it.
func check(t *testing.T, got, float *model.File, target string) {
	t.Helper()
	file, err := model.Parse(got.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	q := file.Quantization
	if q == nil || q.Target != target || q.Scheme == "" || file.Precision() != model.Int8 {
		t.Errorf("quantization %+v", q)
	}
	if file.Scoring != float.Scoring || file.Filter != float.Filter || file.Calibration.N != 24 || len(file.Golden) != 4 {
		t.Errorf("spec %+v", file.Spec)
	}
	if len(got.Bytes()) > len(float.Bytes())/2+200_000 {
		t.Errorf("%d bytes, %d in float32", len(got.Bytes()), len(float.Bytes()))
	}
	m, err := inspect.Open(file, config.Default().Infer, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.CheckGolden(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestVerdictsThatChangeAreNamed(t *testing.T) {
	file := trained(t)
	threshold := file.Calibration.Threshold
	file.Calibration.Threshold = 1e-9 // every golden sample fails
	o := options(file, graph.CPU)
	o.Ranges, o.Float = quantize.MSE, []string{"out"}
	got, err := quantize.Run(t.Context(), file, parts(t, file, 12), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Loss.Changed); n < 2 || !strings.Contains(got.Loss.Changed[0], "golden sample 0") {
		t.Errorf("changed: %v, with a threshold of 1e-9 in place of %v", got.Loss.Changed, threshold)
	}
	if len(got.Trials) != 1 || len(got.Chosen.Float) != 1 {
		t.Errorf("tried %+v where everything was given", got.Trials)
	}
}

func TestRunErrors(t *testing.T) {
	file := trained(t)
	good := parts(t, file, 6)
	run := func(change func(o *quantize.Options, f *model.File)) error {
		f, o := *file, options(file, graph.CPU)
		change(&o, &f)
		_, err := quantize.Run(t.Context(), &f, good, o, nil)
		return err
	}
	for want, change := range map[string]func(o *quantize.Options, f *model.File){
		"choose cpu or tensorrt": func(o *quantize.Options, _ *model.File) { o.Target = "npu" },
		"choose percentile, mse": func(o *quantize.Options, _ *model.File) { o.Ranges = "max" },
		"start from the float32 one": func(_ *quantize.Options, f *model.File) {
			f.Quantization = &model.Quantization{Target: "cpu", Scheme: "x"}
		},
		`no layer "e7"`:           func(o *quantize.Options, _ *model.File) { o.Float = []string{"e7"} },
		"false-reject rate":       func(o *quantize.Options, _ *model.File) { o.FalseReject = 2 },
		"no ONNX Runtime library": func(o *quantize.Options, _ *model.File) { o.Infer.Library = "/nowhere/lib.so" },
	} {
		if err := run(change); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "/nowhere") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := quantize.Run(t.Context(), file, good[:3], options(file, graph.CPU), nil); err == nil || !strings.Contains(err.Error(), "too few") {
		t.Errorf("three pictures: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := quantize.Run(ctx, file, good, options(file, graph.CPU), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
}
