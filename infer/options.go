package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	ort "github.com/yalue/onnxruntime_go"

	"faird/config"
)

// sessionOptions builds ONNX Runtime's options; the caller destroys them.
func sessionOptions(o GraphOptions) (*ort.SessionOptions, error) {
	s, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("infer: session options: %w", err)
	}
	if err := applyOptions(s, o); err != nil {
		return nil, errors.Join(err, s.Destroy())
	}
	return s, nil
}

func applyOptions(s *ort.SessionOptions, o GraphOptions) error {
	level := map[Optimisation]ort.GraphOptimizationLevel{
		OptimiseAll:      ort.GraphOptimizationLevelEnableAll,
		OptimiseExtended: ort.GraphOptimizationLevelEnableExtended,
		OptimiseBasic:    ort.GraphOptimizationLevelEnableBasic,
		OptimiseNone:     ort.GraphOptimizationLevelDisableAll,
	}[o.Optimisation]
	err := errors.Join(
		s.SetLogSeverityLevel(ort.LoggingLevelFatal),
		s.SetIntraOpNumThreads(threads(o.Threads)),
		s.SetExecutionMode(ort.ExecutionModeSequential),
		s.SetGraphOptimizationLevel(level),
		s.SetMemPattern(!o.NoMemoryPattern),
	)
	for key, value := range configEntries(o) {
		err = errors.Join(err, s.AddSessionConfigEntry(key, value))
	}
	if o.profile != "" {
		err = errors.Join(err, s.EnableProfiling(o.profile))
	}
	if err != nil {
		return fmt.Errorf("infer: session options: %w", err)
	}
	return appendProviders(s, o)
}

// configEntries are the options that ONNX Runtime takes as strings.
func configEntries(o GraphOptions) map[string]string {
	entries := map[string]string{}
	if !o.KeepSpinning {
		// Threads spin while a run lasts, but not after it: that core time
		// belongs to the cameras and the scoring.
		entries["session.force_spinning_stop"] = "1"
	}
	if o.Strict && o.Provider.accelerated() {
		entries["session.disable_cpu_ep_fallback"] = "1"
	}
	return entries
}

// appendProviders adds providers in order of preference; the CPU is always
// last and needs no word.
func appendProviders(s *ort.SessionOptions, o GraphOptions) error {
	switch o.Provider {
	case "", CPU:
		return nil
	case CUDA:
		return appendCUDA(s, o.CUDA)
	case TensorRT:
		if err := appendTensorRT(s, o); err != nil {
			return err
		}
		if o.Strict {
			return nil
		}
		return appendCUDA(s, config.CUDA{Device: o.TensorRT.Device, MemoryLimit: o.CUDA.MemoryLimit, TF32: o.CUDA.TF32})
	}
	return fmt.Errorf("infer: no provider called %q", o.Provider)
}

func appendCUDA(s *ort.SessionOptions, c config.CUDA) error {
	p, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return fmt.Errorf("infer: provider cuda: %w", err)
	}
	defer p.Destroy()
	if err := p.Update(cudaOptions(c)); err != nil {
		return fmt.Errorf("infer: provider cuda: options: %w", err)
	}
	if err := s.AppendExecutionProviderCUDA(p); err != nil {
		return fmt.Errorf("infer: provider cuda: %w", err)
	}
	return nil
}

func appendTensorRT(s *ort.SessionOptions, o GraphOptions) error {
	if err := makeCache(o.TensorRT, o.cacheKey); err != nil {
		return fmt.Errorf("infer: provider tensorrt: engine cache: %w", err)
	}
	p, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return fmt.Errorf("infer: provider tensorrt: %w", err)
	}
	defer p.Destroy()
	if err := p.Update(tensorRTOptions(o.TensorRT, o.cacheKey)); err != nil {
		return fmt.Errorf("infer: provider tensorrt: options: %w", err)
	}
	if err := s.AppendExecutionProviderTensorRT(p); err != nil {
		return fmt.Errorf("infer: provider tensorrt: %w", err)
	}
	return nil
}

// cudaOptions are the CUDA provider's, by its names.
func cudaOptions(c config.CUDA) map[string]string {
	o := map[string]string{
		"device_id": strconv.Itoa(c.Device),
		// Grow by what is asked for: doubling takes memory that neighbours need.
		"arena_extend_strategy": "kSameAsRequested",
		// Shapes never change, so the exhaustive search is paid once, in warm-up.
		"cudnn_conv_algo_search": "EXHAUSTIVE",
		"use_tf32":               flag(c.TF32),
	}
	if c.MemoryLimit > 0 {
		o["gpu_mem_limit"] = strconv.FormatInt(int64(c.MemoryLimit), 10)
	}
	return o
}

// tensorRTOptions are the TensorRT provider's, by its names. key makes the
// cache's folder; see cacheKey.
func tensorRTOptions(c config.TensorRT, key string) map[string]string {
	o := map[string]string{
		"device_id":       strconv.Itoa(c.Device),
		"trt_fp16_enable": flag(c.FP16),
	}
	if c.EngineCache == "" {
		return o
	}
	o["trt_engine_cache_enable"] = "1"
	o["trt_engine_cache_path"] = filepath.Join(c.EngineCache, key)
	o["trt_timing_cache_enable"] = flag(c.TimingCache)
	if c.TimingCache {
		// Kernel timings serve every model of the same device, so they are shared.
		o["trt_timing_cache_path"] = c.EngineCache
	}
	return o
}

func makeCache(c config.TensorRT, key string) error {
	if c.EngineCache == "" {
		return nil
	}
	return os.MkdirAll(filepath.Join(c.EngineCache, key), 0o750)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
