package train

import (
	"context"
	"fmt"
	"math/rand/v2"

	"faird/train/defect"
)

// Fewest pictures to train on and to calibrate with; below it there is nothing
// to learn from, or no spread to see.
const (
	fewestToTrain     = 2
	fewestToCalibrate = 3
)

// mostTextures bounds the memory that textures take; a large folder is taken
// from evenly.
const mostTextures = 1000

// material is what a training works on.
type material struct {
	source
	held *pictures // kept from training, for calibration
}

// gather reads the pictures and splits them.
func gather(ctx context.Context, o Options, tell func(Progress)) (*material, error) {
	good, err := readFolder(ctx, o, o.Good, "good pictures", 0, tell)
	if err != nil {
		return nil, err
	}
	var textures defect.Pool
	if o.Textures != "" {
		t, err := readFolder(ctx, o, o.Textures, "textures", mostTextures, tell)
		if err != nil {
			return nil, err
		}
		textures = t.pool
	}
	training, held, err := split(good, o.HoldBack, o.Seed)
	if err != nil {
		return nil, fmt.Errorf("good pictures in %s: %w", o.Good, err)
	}
	return &material{
		source: source{
			w: o.Width, h: o.Height, filter: o.Filter, mix: o.Mix,
			good: training.pool, textures: textures, seed: o.Seed,
		},
		held: held,
	}, nil
}

func readFolder(ctx context.Context, o Options, dir, what string, most int, tell func(Progress)) (*pictures, error) {
	paths, err := find(dir)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no pictures in %s: png, jpg, bmp, tif and webp are read", what, dir)
	}
	if most > 0 && len(paths) > most {
		paths = evenly(paths, most)
	}
	seen := 0
	p, err := read(ctx, paths, o.Width, o.Height, func() {
		seen++
		tell(Progress{Stage: Reading, Done: seen, Total: len(paths)})
	})
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", what, dir, err)
	}
	for _, err := range p.broken {
		o.Log.Warn().Err(err).Msg("picture left out")
	}
	return p, nil
}

func evenly(paths []string, n int) []string {
	some := make([]string, n)
	for i := range some {
		some[i] = paths[i*len(paths)/n]
	}
	return some
}

// split keeps a share of the pictures back for calibration, chosen by the seed.
func split(all *pictures, share float64, seed uint64) (training, held *pictures, err error) {
	n := len(all.pool)
	if n < fewestToTrain+fewestToCalibrate {
		return nil, nil, fmt.Errorf("%d are too few: at least %d are needed, thirty are a good start", n, fewestToTrain+fewestToCalibrate)
	}
	back := min(max(int(share*float64(n)+0.5), fewestToCalibrate), n-fewestToTrain)
	perm := rand.New(rand.NewPCG(seed^splitStream, uint64(n))).Perm(n)
	return all.subset(perm[back:]), all.subset(perm[:back]), nil
}
