package infer

import (
	"errors"
	"fmt"

	"faird/config"
	"faird/model"
	"faird/model/quantize"
)

// Provider is one of ONNX Runtime's execution providers, by the config's name.
type Provider string

// The providers that faird knows. Auto is a wish, never a result.
const (
	Auto     Provider = "auto"
	CPU      Provider = "cpu"
	CUDA     Provider = "cuda"
	TensorRT Provider = "tensorrt"
)

// accelerated says whether ONNX Runtime could fall back from p to the CPU.
func (p Provider) accelerated() bool { return p == CUDA || p == TensorRT }

// reported maps the names in a profile of ONNX Runtime to ours.
var reported = map[string]Provider{
	"CPUExecutionProvider":      CPU,
	"CUDAExecutionProvider":     CUDA,
	"TensorrtExecutionProvider": TensorRT,
}

// choice is which providers to try, in order, and whether only the first will do.
type choice struct {
	try    []Provider
	strict bool
}

// choose reads the config. Auto leaves TensorRT out: it builds engines for
// minutes and may round to 16 bits, so it is only ever taken by name.
func choose(c config.Infer) (choice, error) {
	p := Provider(c.Provider)
	if p == "" {
		p = Auto
	}
	strict := p != Auto
	if c.Strict != nil {
		strict = *c.Strict
	}
	switch {
	case p == Auto && strict:
		return choice{}, fmt.Errorf("infer.strict: true needs a named provider: set infer.provider to cpu, cuda or tensorrt")
	case p == Auto:
		return choice{[]Provider{CUDA, CPU}, false}, nil
	case p == CPU || p.accelerated() && strict:
		return choice{[]Provider{p}, strict}, nil
	case p == CUDA:
		return choice{[]Provider{CUDA, CPU}, false}, nil
	case p == TensorRT:
		return choice{[]Provider{TensorRT, CUDA, CPU}, false}, nil
	}
	return choice{}, fmt.Errorf("infer.provider: %q is none of auto, cpu, cuda, tensorrt", c.Provider)
}

// runs says why p cannot run the model: the CPU's 8-bit form is of operators that
// no accelerator has.
func (p Provider) runs(f *model.File) error {
	if q := f.Quantization; q != nil && q.Target == quantize.CPU && p.accelerated() {
		return errors.New("the model is an 8-bit form for the CPU: name its float32 form (faird train writes it beside it, .float32.onnx)")
	}
	return nil
}
