package infer

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"faird/config"
	"faird/model"
)

func TestCUDAOptions(t *testing.T) {
	base := map[string]string{
		"device_id": "0", "arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "EXHAUSTIVE", "use_tf32": "0",
	}
	cases := []struct {
		name string
		c    config.CUDA
		want map[string]string // beside base
	}{
		{"defaults", config.CUDA{}, nil},
		{"device", config.CUDA{Device: 2}, map[string]string{"device_id": "2"}},
		{"memory limit", config.CUDA{MemoryLimit: 2 << 30}, map[string]string{"gpu_mem_limit": "2147483648"}},
		{"tf32", config.CUDA{TF32: true}, map[string]string{"use_tf32": "1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { same(t, cudaOptions(c.c), base, c.want) })
	}
}

func TestTensorRTOptions(t *testing.T) {
	base := map[string]string{"device_id": "0", "trt_fp16_enable": "0", "trt_max_workspace_size": "1073741824"}
	cases := []struct {
		name string
		c    config.TensorRT
		want map[string]string
	}{
		{"no cache", config.TensorRT{TimingCache: true}, nil},
		{"fp16", config.TensorRT{FP16: true, Device: 1}, map[string]string{"trt_fp16_enable": "1", "device_id": "1"}},
		{"engine cache", config.TensorRT{EngineCache: "/c"}, map[string]string{
			"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/c/model-ort1-gpu",
		}},
		{"timing cache", config.TensorRT{EngineCache: "/c", TimingCache: true}, map[string]string{
			"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/c/model-ort1-gpu",
			"trt_timing_cache_enable": "1", "trt_timing_cache_path": "/c/timing-gpu",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { same(t, tensorRTOptions(c.c, "model-ort1", "gpu"), base, c.want) })
	}
}

func same(t *testing.T, got, base, more map[string]string) {
	t.Helper()
	want := maps.Clone(base)
	maps.Copy(want, more)
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestConfigEntries(t *testing.T) {
	const fallback, spinning, asWritten = "session.disable_cpu_ep_fallback", "session.force_spinning_stop", "session.disable_quant_qdq"
	cases := []struct {
		name string
		o    GraphOptions
		want map[string]string
	}{
		{"cpu is its own fallback", GraphOptions{Provider: CPU, Strict: true}, map[string]string{spinning: "1", asWritten: "1"}},
		{"strict cuda", GraphOptions{Provider: CUDA, Strict: true}, map[string]string{spinning: "1", fallback: "1"}},
		{"strict tensorrt", GraphOptions{Provider: TensorRT, Strict: true}, map[string]string{spinning: "1", fallback: "1"}},
		{"lenient cuda", GraphOptions{Provider: CUDA}, map[string]string{spinning: "1"}},
		{"training", GraphOptions{KeepSpinning: true}, map[string]string{asWritten: "1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { same(t, configEntries(c.o), map[string]string{}, c.want) })
	}
}

func TestChoose(t *testing.T) {
	yes, no := true, false
	cases := []struct {
		provider string
		strict   *bool
		try      string
		want     bool // strict
	}{
		{"", nil, "cuda cpu", false},
		{"auto", nil, "cuda cpu", false},
		{"auto", &no, "cuda cpu", false},
		{"cpu", nil, "cpu", true},
		{"cpu", &no, "cpu", false},
		{"cuda", nil, "cuda", true},
		{"cuda", &yes, "cuda", true},
		{"cuda", &no, "cuda cpu", false},
		{"tensorrt", nil, "tensorrt", true},
		{"tensorrt", &no, "tensorrt cuda cpu", false},
	}
	for _, c := range cases {
		got, err := choose(config.Infer{Provider: c.provider, Strict: c.strict})
		var names []string
		for _, p := range got.try {
			names = append(names, string(p))
		}
		if err != nil || strings.Join(names, " ") != c.try || got.strict != c.want {
			t.Errorf("%s: %v %v, %v", c.provider, got.try, got.strict, err)
		}
	}
}

// The CPU's 8-bit form runs on the CPU alone.
func TestEightBitsForTheCPU(t *testing.T) {
	for _, c := range []struct {
		provider Provider
		target   string
		runs     bool
	}{
		{CPU, "cpu", true},
		{CUDA, "cpu", false},
		{TensorRT, "cpu", false},
		{TensorRT, "tensorrt", true},
		{CUDA, "tensorrt", true},
		{CUDA, "", true},
	} {
		f := &model.File{}
		if c.target != "" {
			f.Quantization = &model.Quantization{Target: c.target, Scheme: "any"}
		}
		if err := c.provider.runs(f); (err == nil) != c.runs || err != nil && !strings.Contains(err.Error(), ".float32.onnx") {
			t.Errorf("8 bits for %q on %s: %v", c.target, c.provider, err)
		}
	}
}

func TestPlainErrors(t *testing.T) {
	for in, want := range map[string]string{
		"/src/bridge.cc:1988 Provider& Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load\n library x": "Failed to load library x",
		"something else": "something else",
	} {
		if got := plain(errors.New(in)).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if plain(nil) != nil {
		t.Error("an error out of nothing")
	}
}

func TestEngineKeys(t *testing.T) {
	hash := "sha256:0123456789abcdef0123456789abcdef"
	if got := engineKey(hash, "1.29.0"); got != "0123456789abcdef-ort1.29.0" {
		t.Errorf("engine key %q", got)
	}
	if got := filepath.Base(engineKey("", "1.29.0")); got != "-ort1.29.0" {
		t.Errorf("engine key without a hash: %q", got)
	}
	if a, b := machineKey(), machineKey(); a != b || len(a) != 16 {
		t.Errorf("machine keys %q and %q", a, b)
	}
}

func TestHardwareKeepsWhatLasts(t *testing.T) {
	page := "Model: \t\t NVIDIA A2\nIRQ:   \t\t 104\nGPU UUID: \t GPU-1\nBus Location: \t 0000:01:00.0\n"
	if got := string(hardware([]byte(page))); got != "Model: \t\t NVIDIA A2\n" {
		t.Errorf("of a GPU: %q", got)
	}
	driver := "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.1\nGCC version:  gcc 12\n"
	if got := string(hardware([]byte(driver))); !strings.Contains(got, "580.1") || strings.Contains(got, "gcc") {
		t.Errorf("of the driver: %q", got)
	}
}

func TestMapped(t *testing.T) {
	maps := "7f-80 r-xp 0 08:01 1 /usr/lib/libnvinfer_plugin.so.10.3.0\n80-81 r-xp 0 08:01 2 /usr/lib/libnvinfer.so.10.3.0\n"
	if got := mapped(maps, "libnvinfer"); got != "libnvinfer.so.10.3.0" {
		t.Errorf("got %q", got)
	}
	if got := mapped(maps, "libcudnn"); got != "" {
		t.Errorf("got %q", got)
	}
}
