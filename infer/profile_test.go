package infer

import (
	"strings"
	"testing"
)

const report = `[
{"cat":"Session","pid":1,"dur":2,"ts":6,"ph":"X","name":"session_initialization","args":{}},
{"cat":"Node","name":"a_kernel_time","args":{"provider":"CUDAExecutionProvider","op_name":"Conv","output_type_shape":[{"float":[1]}]}},
{"cat":"Node","name":"b_kernel_time","args":{"provider":"CUDAExecutionProvider","op_name":"Conv"}},
{"cat":"Node","name":"b_fence_before","args":{"op_name":"Conv"}},
{"cat":"Node","name":"c_kernel_time","args":{"provider":"CPUExecutionProvider","op_name":"Shape"}}
]`

func TestParseProfile(t *testing.T) {
	u, err := parseProfile([]byte(report))
	if err != nil {
		t.Fatal(err)
	}
	if u.String() != "CPUExecutionProvider 1, CUDAExecutionProvider 2" || u.main() != CUDA || u.only(CUDA) {
		t.Errorf("usage %s, main %s, only cuda %v", u, u.main(), u.only(CUDA))
	}
}

func TestUsage(t *testing.T) {
	cases := []struct {
		u    usage
		main Provider
		only bool // nothing but main
	}{
		{usage{"CPUExecutionProvider": 48}, CPU, true},
		{usage{"TensorrtExecutionProvider": 1}, TensorRT, true},
		{usage{"TensorrtExecutionProvider": 1, "CPUExecutionProvider": 1}, TensorRT, false},
		{usage{"CUDAExecutionProvider": 1, "CPUExecutionProvider": 9}, CPU, false},
		{usage{"QNNExecutionProvider": 9}, "QNNExecutionProvider", true},
	}
	for _, c := range cases {
		if c.u.main() != c.main || c.u.only(c.main) != c.only {
			t.Errorf("%s: main %s, only %v", c.u, c.u.main(), c.u.only(c.u.main()))
		}
	}
	if (usage{}).only(CPU) {
		t.Error("no kernel at all counts as the CPU's")
	}
}

func TestParseProfileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "not what ONNX Runtime writes",
		report[:90]:             "not what ONNX Runtime writes",
		"[]":                    "no kernel",
		`[{"cat":"Node"}]`:      "no kernel",
		`[{"cat":"Session"},1]`: "not what ONNX Runtime writes",
	} {
		if _, err := parseProfile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
