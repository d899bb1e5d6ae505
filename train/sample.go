package train

import (
	"errors"
	"math/rand/v2"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/fair/highpass"
	"faird/train/defect"
)

// source is everything samples are made from, shared by all samplers.
type source struct {
	w, h     int
	filter   fair.Filter
	mix      defect.Mix
	good     defect.Pool
	textures defect.Pool
	seed     uint64
}

// sampler makes samples, one at a time on one goroutine. A sample depends on
// the source and its index alone.
type sampler struct {
	source
	maker    *defect.Maker
	highPass *highpass.HighPass
	grey     gocv.Mat  // [h,w] CV_32F
	planes   []float32 // [3,h,w], of the input
	unused   []float32 // grey of the target, which nobody needs
	sample   defect.Sample
	order    order
}

func newSampler(s source) (*sampler, error) {
	maker, err := defect.New(s.h, s.w, s.mix, s.good, s.textures)
	if err != nil {
		return nil, err
	}
	high, err := highpass.New(s.h, s.w, s.filter)
	if err != nil {
		return nil, err
	}
	return &sampler{
		source: s, maker: maker, highPass: high,
		grey:   gocv.NewMatWithSize(s.h, s.w, gocv.MatTypeCV32F),
		planes: make([]float32, 3*s.h*s.w), unused: make([]float32, s.h*s.w),
		order: order{seed: s.seed, n: len(s.good)},
	}, nil
}

// make fills the high-pass picture x [channels, h, w] and the target y
// [3, h, w] of the sample of that index.
func (s *sampler) make(index uint64, x, y []float32) error {
	s.maker.Make(generator(s.seed, index), s.order.at(index), &s.sample)
	grey, err := s.grey.DataPtrFloat32()
	if err != nil {
		return err
	}
	fair.Planes(s.sample.Target, y, s.unused)
	fair.Planes(s.sample.Input, s.planes, grey)
	return s.highPass.Apply(s.grey, x)
}

func (s *sampler) close() error { return errors.Join(s.highPass.Close(), s.grey.Close()) }

// Streams of random numbers that never meet: samples by their index, orders by
// their epoch, the split into training and calibration.
const (
	sampleStream = 0x73616d706c65 + iota<<48
	orderStream
	splitStream
)

// generator gives a sample's random numbers.
func generator(seed, index uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^sampleStream, index*0x9e3779b97f4a7c15))
}

// order says which picture a sample is of: every epoch takes each of the n
// pictures once, in an order of its own.
type order struct {
	seed  uint64
	n     int
	epoch uint64
	perm  []int
}

func (o *order) at(index uint64) int {
	epoch := index / uint64(o.n)
	if o.perm == nil || epoch != o.epoch {
		o.epoch = epoch
		o.perm = rand.New(rand.NewPCG(o.seed^orderStream, epoch)).Perm(o.n)
	}
	return o.perm[index%uint64(o.n)]
}
