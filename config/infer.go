package config

// Infer configures ONNX Runtime for the whole process.
type Infer struct {
	Library  string   `mapstructure:"library"`  // path of libonnxruntime; "" looks where make deps put it, then in the system
	Provider string   `mapstructure:"provider"` // auto, cpu, cuda, tensorrt
	Strict   *bool    `mapstructure:"strict"`   // nil: true for a named provider, false for auto
	Threads  int      `mapstructure:"threads"`  // intra-op threads; 0 is what is measured to be best, or one per core
	Fused    string   `mapstructure:"fused"`    // auto, on, off: filter and score in the network's graph; "" is auto
	CUDA     CUDA     `mapstructure:"cuda"`
	TensorRT TensorRT `mapstructure:"tensorrt"`
}

// CUDA options of ONNX Runtime's CUDA provider.
type CUDA struct {
	Device      int   `mapstructure:"device"`
	MemoryLimit Bytes `mapstructure:"memory_limit"` // 0: no limit
	TF32        bool  `mapstructure:"tf32"`
}

// TensorRT options of ONNX Runtime's TensorRT provider.
type TensorRT struct {
	Device      int    `mapstructure:"device"`
	FP16        bool   `mapstructure:"fp16"`
	EngineCache string `mapstructure:"engine_cache"` // folder; "" is no cache. Load turns "" into a folder and "none" into ""
	TimingCache bool   `mapstructure:"timing_cache"`
}

// noCache is what a file says to have no engine cache.
const noCache = "none"

// IsStrict says whether anything but the named provider is an error.
func (i Infer) IsStrict() bool {
	if i.Strict != nil {
		return *i.Strict
	}
	return i.Provider != "auto"
}

func defaultInfer() Infer {
	return Infer{Provider: "auto", Fused: "auto", TensorRT: TensorRT{TimingCache: true}}
}

func (k *checker) infer(i Infer) {
	k.oneOf("infer.provider", i.Provider, "auto", "cpu", "cuda", "tensorrt")
	k.oneOf("infer.fused", i.Fused, "auto", "on", "off")
	k.notNegative("infer.threads", i.Threads)
	k.notNegative("infer.cuda.device", i.CUDA.Device)
	k.notNegative("infer.tensorrt.device", i.TensorRT.Device)
	if i.Provider == "auto" && i.IsStrict() {
		k.bad("infer.strict", "true, but infer.provider is auto", "name the provider that must run: cpu, cuda or tensorrt")
	}
}
