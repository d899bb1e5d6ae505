package fit_test

import (
	"context"
	"fmt"
	"testing"

	"faird/infer"
	"faird/model/unet"
	"faird/train/fit"
)

// Seconds a step, beside bench/train_reference.py --speed on the same machine:
//
//	go test -run '^$' -bench Step -benchtime 10x ./train/fit
func BenchmarkStep(b *testing.B) {
	if _, err := infer.Load(""); err != nil {
		b.Fatalf("%v (make deps gets the library)", err)
	}
	for _, c := range []struct{ width, size, batch int }{{16, 128, 8}, {32, 256, 4}, {32, 256, 8}} {
		b.Run(fmt.Sprintf("width%d/size%d/batch%d", c.width, c.size, c.batch), func(b *testing.B) {
			o := fit.Options{
				Network: unet.Network{Width: c.width, Channels: 1}, Height: c.size, Width: c.size, Batch: c.batch,
				Budget: fit.Budget{Steps: 1}, Schedule: fit.PaperSchedule(1e-3),
			}
			warm, err := fit.New(o, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer warm.Close()
			if err := warm.Run(context.Background(), &stripes{}, nil); err != nil {
				b.Fatal(err)
			}
			o.Budget.Steps = b.N + 1
			t, err := fit.New(o, warm.State())
			if err != nil {
				b.Fatal(err)
			}
			defer t.Close()
			b.ResetTimer()
			if err := t.Run(context.Background(), constant{}, nil); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// constant leaves the first batch as it is: nothing but the step is measured.
type constant struct{}

func (constant) Next(context.Context, int, []float32, []float32) error { return nil }
