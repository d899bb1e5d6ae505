package train

import (
	"context"
	"fmt"
	"math/rand/v2"

	"faird/camera/imagefolder"
	"faird/train/calibrate"
)

// fewestToTrain is how many pictures there is something to learn from.
const fewestToTrain = 2

// mostTextures bounds the memory that textures take; a large folder is taken
// from evenly.
const mostTextures = 1000

// material is what a training works on.
type material struct {
	source
	held     *pictures // kept from training, for calibration
	broken   []error   // one for each picture left out
	examined Examined
}

// gather reads the pictures and splits them.
func gather(ctx context.Context, o Options, tell func(Progress)) (*material, error) {
	good, skipped, err := readGood(ctx, o, tell)
	if err != nil {
		return nil, fmt.Errorf("good pictures: %w", err)
	}
	good, examined, err := good.examine(o, skipped)
	if err != nil {
		return nil, fmt.Errorf("good pictures: %w", err)
	}
	textures := &pictures{}
	if o.Textures != "" {
		if textures, skipped, err = readTextures(ctx, o, tell); err != nil {
			return nil, fmt.Errorf("textures: %w", err)
		}
		if line := skipped.Of(o.Textures); line != "" {
			examined.Words = append(examined.Words, line)
		}
	}
	tell(Progress{Stage: Reading, Done: len(good.pool), Total: len(good.pool), Examined: examined})
	training, held := split(good, o.HoldBack, o.Seed)
	return &material{
		source: source{
			w: o.Width, h: o.Height, filter: o.Filter, mix: o.Mix,
			good: training.pool, textures: textures.pool, seed: o.Seed,
		},
		held:     held,
		broken:   append(good.broken, textures.broken...),
		examined: *examined,
	}, nil
}

func readGood(ctx context.Context, o Options, tell func(Progress)) (*pictures, *imagefolder.Skipped, error) {
	files, skipped, err := calibrate.Folder(o.Good, o.Width, o.Height, o.MaxPixels)
	if err != nil {
		return nil, nil, err
	}
	if err := enough(len(files), o.Good); err != nil {
		return nil, nil, err
	}
	good, err := read(ctx, files, tell)
	if err != nil {
		return nil, nil, err
	}
	return good, skipped, enough(len(good.pool), o.Good)
}

func readTextures(ctx context.Context, o Options, tell func(Progress)) (*pictures, *imagefolder.Skipped, error) {
	files, skipped, err := calibrate.Folder(o.Textures, o.Width, o.Height, o.MaxPixels)
	if err != nil {
		return nil, nil, err
	}
	textures, err := read(ctx, evenly(files, mostTextures), tell)
	return textures, skipped, err
}

// enough says whether n pictures can be split.
func enough(n int, dir string) error {
	const fewest = fewestToTrain + calibrate.Fewest
	if n < fewest {
		return fmt.Errorf("%d in %s are too few: at least %d are needed, thirty are a good start", n, dir, fewest)
	}
	return nil
}

func evenly(files []calibrate.Picture, most int) []calibrate.Picture {
	if len(files) <= most {
		return files
	}
	some := make([]calibrate.Picture, most)
	for i := range some {
		some[i] = files[i*len(files)/most]
	}
	return some
}

// wanted is how many pictures are held back where that leaves two thirds to
// train on: from fewer, the tail of the scores is a guess far above them all.
const wanted = 10

// split keeps a share of the parts back for calibration, chosen by the seed. All
// pictures of a part go the same way: one that the network has learnt from says
// nothing of how parts score that it has not. They are enough.
func split(all *pictures, share float64, seed uint64) (training, held *pictures) {
	parts := all.byPart()
	n := len(parts)
	back := max(int(share*float64(n)+0.5), min(wanted, n/3), calibrate.Fewest)
	back = min(back, n-fewestToTrain)
	perm := rand.New(rand.NewPCG(seed^splitStream, uint64(n))).Perm(n)
	of := func(chosen []int) *pictures {
		var indices []int
		for _, part := range chosen {
			indices = append(indices, parts[part]...)
		}
		return all.subset(indices)
	}
	return of(perm[back:]), of(perm[:back])
}
