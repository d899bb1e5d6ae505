package infer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/model"
)

// Session is a model on a provider, ready to run. Its runners share the
// network's weights; it is safe for use by several goroutines.
type Session struct {
	file     *model.File
	options  GraphOptions
	provider Provider
	log      zerolog.Logger
	onnx     []byte // the file's network, or the whole method around it
	fused    bool   // the latter

	operators int // of our own that are in it

	mu     sync.Mutex
	graphs map[int]*Graph // by batch; under 0 one that takes any
	closed bool
}

// Open loads the library, once for the process, puts the model on the
// provider that the config asks for, warms it up, and checks by ONNX Runtime's
// own report of a run what really runs. With TensorRT and no cached engine
// this takes minutes; see Patience.
func Open(f *model.File, c config.Infer, log zerolog.Logger) (*Session, error) {
	lib, err := Load(c.Library)
	if err != nil {
		return nil, err
	}
	choice, err := choose(c)
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, p := range choice.try {
		s, err := openOn(f, p, c.Fused, graphOptions(f, c, p, choice.strict, lib), log)
		if err == nil {
			s.announce(c, choice, lib, reasons)
			return s, nil
		}
		if len(choice.try) == 1 {
			return nil, explain(p, err)
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", p, err))
	}
	return nil, fmt.Errorf("no provider runs the model: %s", strings.Join(reasons, "; "))
}

// explain adds what to do to the failure of the only provider that will do.
func explain(p Provider, err error) error {
	if !p.accelerated() {
		return fmt.Errorf("provider %s: %w", p, err)
	}
	return fmt.Errorf("provider %s (strict): %w: make it run (docs/providers.md), or set infer.strict: false or infer.provider: cpu", p, err)
}

// announce says once what runs, and why nothing better does.
func (s *Session) announce(c config.Infer, choice choice, lib Library, reasons []string) {
	e := s.log.Info()
	if len(reasons) > 0 {
		e = s.log.Warn().Strs("reasons", reasons)
	}
	e = e.Str("wanted", string(choice.try[0])).Str("provider", string(s.provider)).Str("precision", s.Precision()).
		Int("threads", s.Split().Threads).Int("lanes", s.Split().Lanes).Bool("fused", s.fused).Int("operators", s.operators).Str("library", lib.Path).Str("onnxruntime", lib.Version).Str("model", s.file.Hash)
	if len(reasons) > 0 {
		e.Msg("provider not available, fell back to a slower one")
		return
	}
	e.Msg("network ready")
}

func graphOptions(f *model.File, c config.Infer, p Provider, strict bool, lib Library) GraphOptions {
	return GraphOptions{
		Library: c.Library, Provider: p, Strict: strict, Threads: c.Threads,
		CUDA: c.CUDA, TensorRT: c.TensorRT, engineKey: engineKey(f.Hash, lib.Version),
	}
}

// openOn makes a session on p, or says why p does not run it.
func openOn(f *model.File, p Provider, fuse string, o GraphOptions, log zerolog.Logger) (*Session, error) {
	if err := p.runs(f); err != nil {
		return nil, err
	}
	s := &Session{file: f, options: o, provider: p, log: log, onnx: f.Bytes(), graphs: map[int]*Graph{}}
	if err := s.fuse(fuse); err != nil {
		return nil, err
	}
	if err := s.useOperators(); err != nil {
		return nil, err
	}
	o = s.options
	first := max(f.Batch, 1)
	prefix, remove, err := profileFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	o.profile = prefix
	g, err := s.load(first, o)
	if err != nil {
		return nil, err
	}
	u, err := s.warmUp(g, first)
	if err == nil {
		err = s.verify(u)
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	s.graphs[s.key(first)] = g
	return s, nil
}

// verify compares the report with the provider that was asked for.
func (s *Session) verify(u usage) error {
	if u.only(s.provider) {
		return nil
	}
	if s.options.Strict || u.main() != s.provider {
		return fmt.Errorf("ONNX Runtime ran the network elsewhere (kernels: %s)", u)
	}
	s.log.Warn().Str("provider", string(s.provider)).Stringer("kernels", u).Msg("part of the network runs on another provider")
	return nil
}

// key is under which batch a graph is kept: TensorRT builds one engine for
// each, the others take any.
func (s *Session) key(batch int) int {
	if s.provider == TensorRT {
		return batch
	}
	return 0
}

// load opens the network for a batch.
func (s *Session) load(batch int, o GraphOptions) (*Graph, error) {
	onnx := s.onnx
	if s.provider != TensorRT {
		return OpenGraph(onnx, o)
	}
	onnx, err := model.SetBatch(onnx, batch)
	if err != nil {
		return nil, err
	}
	log := s.log.With().Str("model", s.file.Hash).Int("batch", batch).Str("cache", o.TensorRT.EngineCache).Logger()
	log.Warn().Dur("patience", Patience(config.Infer{Provider: string(TensorRT)})).
		Msg("loading a TensorRT engine; building one that is not in the cache takes minutes")
	start := time.Now()
	g, err := OpenGraph(onnx, o)
	log.Warn().Err(err).Dur("took", time.Since(start)).Msg("TensorRT is done")
	return g, err
}

// Patience is how long Open and NewRunner may take before something is wrong:
// what a caller asks of its watchdog first.
func Patience(c config.Infer) time.Duration {
	if Provider(c.Provider) == TensorRT {
		return 30 * time.Minute // an engine of c=32 on a small Jetson
	}
	return 5 * time.Minute // the first CUDA context may compile kernels; a small core may have much else to do
}

// warmUp runs the graph twice on an empty picture: the first run allocates and
// searches for algorithms and is the one reported, the second shows that
// ONNX Runtime works with reporting off.
func (s *Session) warmUp(g *Graph, batch int) (usage, error) {
	r, err := s.runner(g, batch)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Patience(config.Infer{Provider: string(s.provider)}))
	defer cancel()
	u, err := g.profiledRun(ctx, r.inputs, r.outputs)
	if err != nil {
		return nil, err
	}
	return u, r.Run(ctx)
}

// Provider is what ONNX Runtime reported of a run: "cpu", "cuda", "tensorrt".
func (s *Session) Provider() string { return string(s.provider) }

// Split is how the cores are shared among the session's runs.
func (s *Session) Split() Split { return splitFor(s.options.Threads, process.Number()) }

// weight is how many cores a run takes: with an accelerator its own thread's.
func (s *Session) weight() int {
	if s.provider != CPU {
		return 1
	}
	return s.Split().weight(process.Number())
}

// Precision is the arithmetic the network runs in, one of model's names.
func (s *Session) Precision() string {
	switch {
	case s.file.Quantization != nil:
		return model.Int8
	case s.provider == TensorRT && s.options.TensorRT.FP16:
		return model.Float16
	case s.provider == TensorRT || s.provider == CUDA && s.options.CUDA.TF32:
		return model.TF32 // TensorRT uses it wherever the GPU has it
	}
	return model.Float32
}

// Close lets the network go; it is freed when the last runner is closed too.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var err error
	for _, g := range s.graphs {
		err = errors.Join(err, g.Close())
	}
	clear(s.graphs)
	return err
}
