// Command demomodel turns a plain network trained on the simulated line into
// the model file of the demo: scoring constants, a threshold from good frames
// the network never saw, golden samples and where it all came from.
//
//	go run ./bench/demomodel -network c16.onnx -scan            # which constants, on evidence
//	go run ./bench/demomodel -network c16.onnx -out model/demo/demo.onnx
package main

import (
	"context"
	"encoding/json"
	"faird/camera/line"
	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"
)

// Seeds of the lines; training used 77 and the test of the model uses another.
const (
	calibrationSeed = 1001
	scanSeed        = 2002
	goldenSeed      = 3003
)

type settings struct {
	network, out, training string
	d0                     float64
	scoring                fair.Scoring
	frames                 int
	falseReject            float64
	scan                   bool
}

func main() {
	var s settings
	flag.StringVar(&s.network, "network", "", "plain ONNX file to start from")
	flag.StringVar(&s.out, "out", "", "model file to write")
	flag.StringVar(&s.training, "training", "{}", "where the network came from (JSON)")
	flag.Float64Var(&s.d0, "d0", 30, "of the Butterworth filter it was trained with")
	s.scoring = fair.DefaultScoring()
	flag.Float64Var(&s.scoring.K, "k", s.scoring.K, "weight of the colour difference")
	flag.IntVar(&s.scoring.Smooth, "smooth", s.scoring.Smooth, "side of the mean filter")
	flag.IntVar(&s.frames, "frames", 500, "to calibrate or scan with")
	flag.Float64Var(&s.falseReject, "false-reject", 0.01, "share of good frames the threshold may reject, with 95% confidence")
	flag.BoolVar(&s.scan, "scan", false, "only print how scoring constants do")
	flag.Parse()
	if s.network == "" || (s.out == "" && !s.scan) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demomodel:", err)
		os.Exit(1)
	}
}

func (s *settings) run(ctx context.Context) error {
	onnx, err := os.ReadFile(s.network)
	if err != nil {
		return err
	}
	filter := fair.DefaultFilter()
	filter.D0 = s.d0
	file, err := model.Parse(onnx)
	if err != nil {
		return err
	}
	file.Filter, file.Scoring, file.Training = filter, s.scoring, json.RawMessage(s.training)
	m, err := inspect.Open(file, config.Infer{Provider: "cpu"}, zerolog.New(os.Stderr).Level(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer m.Close()
	inspector, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return err
	}
	defer inspector.Close()
	if s.scan {
		return scan(ctx, inspector, file, s.frames)
	}
	return s.finish(ctx, inspector, file)
}

// finish calibrates, adds golden samples and writes the file, then checks it
// as a daemon would.
func (s *settings) finish(ctx context.Context, inspector *inspect.Inspector, file *model.File) error {
	var scores []float64
	err := judge(ctx, inspector, line.Options{Seed: calibrationSeed}, s.frames, func(score float64, _ line.Truth) error {
		scores = append(scores, score)
		return nil
	})
	if err != nil {
		return err
	}
	if file.Calibration, err = calibrate(scores, s.falseReject); err != nil {
		return err
	}
	if file.Golden, err = goldenSamples(ctx, inspector, file); err != nil {
		return err
	}
	finished, err := model.New(file.Bytes(), file.Spec)
	if err != nil {
		return err
	}
	if err := model.Write(s.out, finished); err != nil {
		return err
	}
	m, err := inspect.Load(s.out, config.Infer{Provider: "cpu"}, zerolog.Nop())
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.CheckGolden(ctx); err != nil {
		return err
	}
	c := file.Calibration
	fmt.Printf("%s: threshold %.4f from %d good frames (mean %.4f, std %.4f, largest %.4f)\n",
		s.out, c.Threshold, c.N, c.Mean, c.Std, c.Quantiles["1"])
	return nil
}

// judge scores the first frames of a line.
func judge(ctx context.Context, inspector *inspect.Inspector, o line.Options, frames int, each func(score float64, truth line.Truth) error) error {
	l := line.New(o)
	defer l.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	var r inspect.Result
	for n := range uint64(frames) {
		truth := l.Render(n, &frame)
		if err := inspector.Inspect(ctx, frame, nil, &r); err != nil {
			return fmt.Errorf("frame %d: %w", n, err)
		}
		if err := each(r.Score, truth); err != nil {
			return err
		}
	}
	return nil
}
