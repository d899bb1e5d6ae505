// Command scoring shows what the constants of the score do: it scores frames of
// the simulated line, whose defects are known, with many k and widths of the mean
// filter, and prints how many defects of each kind lie above nearly all good
// frames. faird train takes the choice as --k and --smooth.
//
//	go run ./bench/scoring -model m.onnx -frames 500
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/inspect"
)

func main() {
	path := flag.String("model", "", "model file trained on the simulated line")
	frames := flag.Int("frames", 500, "to score, half of them defective")
	spared := flag.Float64("spared", 0.985, "share of the good frames that the threshold is set above")
	seed := flag.Uint64("seed", 2002, "of the line: one that training has not seen")
	flag.Parse()
	if *path == "" || *frames < 1 || !(*spared > 0 && *spared < 1) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *path, *frames, *seed, *spared); err != nil {
		fmt.Fprintln(os.Stderr, "scoring:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string, frames int, seed uint64, spared float64) error {
	m, err := inspect.Load(path, config.Infer{Provider: "cpu"}, zerolog.New(os.Stderr).Level(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer m.Close()
	inspector, err := m.NewInspector(inspect.Options{ROI: &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()}})
	if err != nil {
		return err
	}
	defer inspector.Close()
	all, err := candidates(m.File().Height, m.File().Width)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range all {
			c.scorer.Close()
		}
	}()
	err = restore(ctx, inspector, line.Options{Seed: seed, Defects: 0.5}, frames, func(truth line.Truth) {
		for _, c := range all {
			c.scores[truth.Kind] = append(c.scores[truth.Kind], c.scorer.Score(inspector.Resized(), inspector.Restored(), nil))
		}
	})
	for _, c := range all {
		fmt.Println(c.line(spared))
	}
	return err
}

// restore runs the network on the first frames of a line, once each.
func restore(ctx context.Context, inspector *inspect.Inspector, o line.Options, frames int, each func(line.Truth)) error {
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
		each(truth)
	}
	return nil
}
