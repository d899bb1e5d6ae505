package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"faird/config"
	"faird/infer/operators"
)

// sessionOptions builds ONNX Runtime's options; the caller destroys them.
func sessionOptions(o GraphOptions) (*ort.SessionOptions, error) {
	s, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
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
	if err == nil {
		err = addOperators(s)
	}
	if err != nil {
		return fmt.Errorf("session options: %w", err)
	}
	return appendProviders(s, o)
}

// addOperators makes our own operators known, which graphs for the CPU may have.
func addOperators(s *ort.SessionOptions) error {
	raw, err := handle(s, "o")
	if err != nil {
		return err
	}
	return operators.Add(functions(), raw)
}

// configEntries are the options that ONNX Runtime takes as strings.
func configEntries(o GraphOptions) map[string]string {
	entries := map[string]string{}
	if !o.KeepSpinning {
		// Threads spin while a run lasts, but not after it: that core time
		// belongs to the cameras and the scoring.
		entries["session.force_spinning_stop"] = "1"
	}
	if !o.Provider.accelerated() {
		// Else ONNX Runtime rounds the weights of layers that were left in float32
		// among those in 8 bits.
		entries["session.disable_quant_qdq"] = "1"
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
	return fmt.Errorf("no provider called %q", o.Provider)
}

// pinned is the kind of memory from which the provider's device copies fastest,
// and the device.
func (o GraphOptions) pinned() (kind string, device int) {
	switch o.Provider {
	case CUDA:
		return cudaPinned, o.CUDA.Device
	case TensorRT:
		return cudaPinned, o.TensorRT.Device
	}
	return "", 0
}

func appendCUDA(s *ort.SessionOptions, c config.CUDA) error {
	p, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return plain(err)
	}
	defer func() { _ = p.Destroy() }() // fails only where there is none
	if err := p.Update(cudaOptions(c)); err != nil {
		return plain(err)
	}
	return plain(s.AppendExecutionProviderCUDA(p))
}

func appendTensorRT(s *ort.SessionOptions, o GraphOptions) error {
	p, err := ort.NewTensorRTProviderOptions() // loads TensorRT, whose version is in the machine's key
	if err != nil {
		return plain(err)
	}
	defer func() { _ = p.Destroy() }() // fails only where there is none
	options := tensorRTOptions(o.TensorRT, o.engineKey, machineKey())
	for _, key := range []string{"trt_engine_cache_path", "trt_timing_cache_path"} {
		if dir := options[key]; dir != "" {
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return fmt.Errorf("infer.tensorrt.engine_cache: %w", err)
			}
		}
	}
	if err := p.Update(options); err != nil {
		return plain(err)
	}
	return plain(s.AppendExecutionProviderTensorRT(p))
}

// plain drops the C++ source place that ONNX Runtime puts before its words.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if _, after, found := strings.Cut(text, "[ONNXRuntimeError] : "); found {
		if parts := strings.SplitN(after, " : ", 3); len(parts) == 3 {
			text = parts[2]
		}
	}
	return errors.New(strings.Join(strings.Fields(text), " "))
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

// workspace bounds what TensorRT may take while it tries kernels, in bytes;
// left alone it takes all the GPU's memory, which on a Jetson is everyone's.
const workspace = 1 << 30

// tensorRTOptions are the TensorRT provider's, by its names. Engines lie in a
// folder for the model, library and machine they were built for; kernel
// timings serve every model of one machine.
func tensorRTOptions(c config.TensorRT, engine, machine string) map[string]string {
	o := map[string]string{
		"device_id":              strconv.Itoa(c.Device),
		"trt_fp16_enable":        flag(c.FP16),
		"trt_max_workspace_size": strconv.Itoa(workspace),
	}
	if c.EngineCache == "" {
		return o
	}
	o["trt_engine_cache_enable"] = "1"
	o["trt_engine_cache_path"] = filepath.Join(c.EngineCache, engine+"-"+machine)
	if c.TimingCache {
		o["trt_timing_cache_enable"] = "1"
		o["trt_timing_cache_path"] = filepath.Join(c.EngineCache, "timing-"+machine)
	}
	return o
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
