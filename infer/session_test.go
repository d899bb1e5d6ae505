package infer_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/model"
)

func cpu() config.Infer { return config.Infer{Provider: "cpu"} }

// meanModel is a plain model whose output is the input's 3x3 mean.
func meanModel(t testing.TB, size int) *model.File {
	t.Helper()
	f, err := model.Parse(network(t, size, 1, 1, 1./9))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openSession(t testing.TB, f *model.File, c config.Infer, log zerolog.Logger) *infer.Session {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	s, err := infer.Open(f, c, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func newRunner(t testing.TB, s *infer.Session, batch int) *infer.Runner {
	t.Helper()
	r, err := s.NewRunner(batch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// checkMean sets every input value to v: away from the border the mean is v.
func checkMean(r *infer.Runner, size int, v float32) error {
	in := r.Input()
	for i := range in {
		in[i] = v
	}
	if err := r.Run(context.Background()); err != nil {
		return err
	}
	for i := range r.Batch() * 3 {
		if got := r.Output()[i*size*size+size+1]; math.Abs(float64(got-v)) > 1e-5*float64(v) {
			return errors.New("a runner read another's input")
		}
	}
	return nil
}

func TestSessionRunsOnCPU(t *testing.T) {
	s := openSession(t, meanModel(t, 32), cpu(), zerolog.Nop())
	if s.Provider() != "cpu" || s.Precision() != model.Float32 {
		t.Errorf("provider %s, precision %s", s.Provider(), s.Precision())
	}
	for _, batch := range []int{1, 3} {
		r := newRunner(t, s, batch)
		if len(r.Input()) != batch*32*32 || len(r.Output()) != batch*3*32*32 {
			t.Fatalf("batch %d: buffers of %d and %d", batch, len(r.Input()), len(r.Output()))
		}
		if err := checkMean(r, 32, 2); err != nil {
			t.Errorf("batch %d: %v", batch, err)
		}
	}
}

func TestSessionLeavesNothingInTemp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	openSession(t, meanModel(t, 32), cpu(), zerolog.Nop())
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRunnersWorkSideBySide(t *testing.T) {
	s := openSession(t, meanModel(t, 64), cpu(), zerolog.Nop())
	var wg sync.WaitGroup
	for k := range 4 {
		r := newRunner(t, s, 1+k%2)
		wg.Go(func() {
			for i := range 200 {
				if err := checkMean(r, 64, float32(1+k*1000+i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestRunnerEndsWithItsContext(t *testing.T) {
	f, err := model.Parse(network(t, 256, 16, 12, 1e-3)) // tens of milliseconds
	if err != nil {
		t.Fatal(err)
	}
	s := openSession(t, f, cpu(), zerolog.Nop())
	stopped, free := newRunner(t, s, 1), newRunner(t, s, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Microsecond)
	defer cancel()
	if err := stopped.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := free.Run(context.Background()); err != nil {
		t.Errorf("another runner of the session: %v", err)
	}
}

func TestClosingInAnyOrder(t *testing.T) {
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	s, err := infer.Open(meanModel(t, 32), cpu(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NewRunner(1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkMean(r, 32, 3); err != nil {
		t.Errorf("a runner of a closed session: %v", err)
	}
	if _, err := s.NewRunner(1); err == nil {
		t.Error("a closed session made a runner")
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(context.Background()); err == nil {
		t.Error("a closed runner ran")
	}
}

func TestNewRunnerRefuses(t *testing.T) {
	s := openSession(t, meanModel(t, 32), cpu(), zerolog.Nop())
	for _, n := range []int{0, -1, 1 << 20} {
		if r, err := s.NewRunner(n); err == nil {
			_ = r.Close()
			t.Errorf("a batch of %d was taken", n)
		}
	}
	onnx, err := model.SetBatch(network(t, 32, 1, 1, 1./9), 2)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := model.Parse(onnx)
	if err != nil {
		t.Fatal(err)
	}
	s = openSession(t, fixed, cpu(), zerolog.Nop())
	newRunner(t, s, 2)
	if r, err := s.NewRunner(1); err == nil || !strings.Contains(err.Error(), "takes 2 pictures") {
		t.Errorf("runner %v, error %v", r, err)
	}
}

// accelerator says whether this machine runs p, in which case the tests of its
// absence have nothing to look at.
func accelerator(t *testing.T, p infer.Provider) bool {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	return infer.Check(p, config.Infer{}) == nil
}

func TestStrictProviderIsAnError(t *testing.T) {
	for _, p := range []infer.Provider{infer.CUDA, infer.TensorRT} {
		t.Run(string(p), func(t *testing.T) {
			if accelerator(t, p) {
				t.Skipf("this machine has %s", p)
			}
			s, err := infer.Open(meanModel(t, 32), config.Infer{Provider: string(p)}, zerolog.Nop())
			if err == nil {
				_ = s.Close()
				t.Fatalf("opened on %s", s.Provider())
			}
			for _, want := range []string{"provider " + string(p), "strict", "libonnxruntime_providers", "infer.provider: cpu"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestFallingBackIsLoud(t *testing.T) {
	lenient := false
	for name, c := range map[string]config.Infer{
		"auto":     {Provider: "auto"},
		"cuda":     {Provider: "cuda", Strict: &lenient},
		"tensorrt": {Provider: "tensorrt", Strict: &lenient, TensorRT: config.TensorRT{EngineCache: filepath.Join(t.TempDir(), "cache")}},
	} {
		t.Run(name, func(t *testing.T) {
			if accelerator(t, infer.CUDA) {
				t.Skip("this machine has CUDA")
			}
			var out bytes.Buffer
			s := openSession(t, meanModel(t, 32), c, zerolog.New(&out).Level(zerolog.InfoLevel))
			if s.Provider() != "cpu" {
				t.Errorf("provider %s", s.Provider())
			}
			last := out.String()[strings.LastIndex(strings.TrimSpace(out.String()), "\n")+1:]
			for _, want := range []string{`"level":"warn"`, `"provider":"cpu"`, "cuda: ", "libonnxruntime_providers", "fell back"} {
				if !strings.Contains(last, want) {
					t.Errorf("%q is not in the log: %s", want, last)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	strict := true
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	for want, c := range map[string]config.Infer{
		"infer.strict":            {Provider: "auto", Strict: &strict},
		`"rocm" is none of`:       {Provider: "rocm"},
		"restart to change it":    {Provider: "cpu", Library: "/dev/null"},
		"ONNX Runtime is already": {Provider: "cpu", Library: "elsewhere.so"},
	} {
		s, err := infer.Open(meanModel(t, 32), c, zerolog.Nop())
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want something with %q", c, err, want)
		}
	}
}

func TestCheckCPU(t *testing.T) {
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	if err := infer.Check(infer.CPU, config.Infer{}); err != nil {
		t.Error(err)
	}
}

// TestNothingOnStderr: what ONNX Runtime has to say comes back as errors; its
// own lines would break a terminal's progress bar and a log's JSON.
func TestNothingOnStderr(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^(TestStrictProviderIsAnError|TestFallingBackIsLoud|TestOpenGraphRefuses|TestGraphRefuses)$")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if stderr.Len() > 0 {
		t.Errorf("on stderr: %s", stderr.String())
	}
}
