package model_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/fair"
	"faird/fair/golden"
	"faird/model"
	"faird/model/onnxpb"
)

func TestParsePlain(t *testing.T) {
	data := network(t)
	f, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	want := model.Spec{Width: 48, Height: 32, Channels: 1, Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()}
	if !f.Plain || !reflect.DeepEqual(f.Spec, want) {
		t.Errorf("plain %v, %+v", f.Plain, f.Spec)
	}
	if f.Input != "highpass" || f.Output != "restored" || f.Batch != 0 {
		t.Errorf("input %s, output %s, batch %d", f.Input, f.Output, f.Batch)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); f.Hash != want {
		t.Errorf("hash %s, want %s", f.Hash, want)
	}
	if !bytes.Equal(f.Bytes(), data) {
		t.Error("the bytes are not those given")
	}
}

func TestParseDescribed(t *testing.T) {
	f, err := model.Parse(network(t, described("faird.training", `{"a":1}`, "other", "kept")))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Spec{
		Width: 48, Height: 32, Channels: 1, Filter: fair.Filter{Type: fair.Gaussian, D0: 12},
		Scoring: fair.Scoring{K: 0.001, Smooth: 11, Scales: 1}, Training: []byte(`{"a":1}`),
	}
	if f.Plain || !reflect.DeepEqual(f.Spec, want) {
		t.Errorf("plain %v, %+v", f.Plain, f.Spec)
	}
}

func TestParseAccepts(t *testing.T) {
	float := onnxpb.TensorProto_FLOAT
	cases := []struct {
		name string
		e    edit
		want string // WxH, channels, batch
	}{
		{"other names", input(tensor("x", float, "b", 1, 32, 48)), "48x32 1 0"},
		{"a fixed batch", input(tensor("x", float, 4, 1, 32, 48)), "48x32 1 4"},
		{"an output without a shape", func(m *onnxpb.ModelProto) { m.Graph.Output[0].Type.GetTensorType().Shape = nil }, "48x32 1 0"},
		{"a free output", output(tensor("y", float, "a", "b", "c", "d")), "48x32 1 0"},
		{"weights among the inputs", func(m *onnxpb.ModelProto) { m.Graph.Input = append(m.Graph.Input, tensor("w", float, 1)) }, "48x32 1 0"},
		{"a free size that metadata names", func(m *onnxpb.ModelProto) {
			input(tensor("x", float, "n", 1, "h", "w"))(m)
			described("faird.size", "64x16")(m)
		}, "64x16 1 0"},
		{"two channels", func(m *onnxpb.ModelProto) {
			input(tensor("x", float, "n", 2, 32, 48))(m)
			described("faird.filter", `{"type":"sobel_xy","ksize":5}`)(m)
		}, "48x32 2 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := model.Parse(network(t, c.e))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%dx%d %d %d", f.Width, f.Height, f.Channels, f.Batch); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseRefusesNetworks(t *testing.T) {
	float := onnxpb.TensorProto_FLOAT
	cases := []struct {
		name string
		e    edit
		want string
	}{
		{"no input", func(m *onnxpb.ModelProto) { m.Graph.Input = nil }, "0 inputs and 1 outputs"},
		{"two outputs", func(m *onnxpb.ModelProto) { m.Graph.Output = append(m.Graph.Output, m.Graph.Output[0]) }, "1 inputs and 2 outputs"},
		{"an input of rank 3", input(tensor("x", float, 1, 32, 48)), "input x: it has 3 dimensions, must have four"},
		{"an input in float16", input(tensor("x", onnxpb.TensorProto_FLOAT16, "n", 1, 32, 48)), "FLOAT16, must be FLOAT"},
		{"an input that is no tensor", input(&onnxpb.ValueInfoProto{Name: proto.String("x")}), "it is no tensor"},
		{"three input channels", input(tensor("x", float, "n", 3, 32, 48)), "takes 3 channels"},
		{"free channels", input(tensor("x", float, "n", "c", 32, 48)), "number of channels is free"},
		{"two channels without metadata", input(tensor("x", float, "n", 2, 32, 48)), "add faird.format=1"},
		{"a free size without metadata", input(tensor("x", float, "n", 1, "h", "w")), "height and width are free"},
		{"one output channel", output(tensor("y", float, "n", 1, 32, 48)), "1 channels, must have 3"},
		{"an output of another size", output(tensor("y", float, "n", 3, 64, 48)), "its height is 64, but the input's is 32"},
		{"a height that is no multiple", func(m *onnxpb.ModelProto) {
			input(tensor("x", float, "n", 1, 40, 48))(m)
			output(tensor("y", float, "n", 3, 40, 48))(m)
		}, "size 48x40: width and height must be multiples of 16"},
		{"an absurd size", func(m *onnxpb.ModelProto) {
			input(tensor("x", float, "n", 1, 32, 16384))(m)
			output(tensor("y", float, "n", 3, 32, 16384))(m)
		}, "at most 8192"},
		{"a negative dimension", input(tensor("x", float, "n", 1, -32, 48)), "dimension 2 is -32"},
		{"weights elsewhere", func(m *onnxpb.ModelProto) {
			m.Graph.Initializer[0].DataLocation = onnxpb.TensorProto_EXTERNAL.Enum()
		}, "weights lie in another file"},
		{"no opset", func(m *onnxpb.ModelProto) { m.OpsetImport = nil }, "ends before the network does"},
		{"no graph", func(m *onnxpb.ModelProto) { m.Graph = nil }, "ends before the network does"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { refused(t, network(t, c.e), c.want) })
	}
}

func TestParseRefusesMetadata(t *testing.T) {
	calibration := func(s string) edit { return described("faird.calibration", s) }
	cases := []struct {
		name string
		e    edit
		want string
	}{
		{"another format", described("faird.format", "3"), `faird.format is "3", this faird reads 1 and 2: update faird`},
		{"a normalised score without what it is normalised by", described("faird.format", "2"), `faird.format is "2": it must be 2 with faird.normal and 1 without`},
		{"what a score is normalised by in the first format", described("faird.normal", `{"w":1,"h":1,"values":""}`), `faird.format is "1": it must be 2 with faird.normal`},
		{"no format", meta("faird.filter", "{}"), "it has faird.filter but no faird.format"},
		{"a key twice", func(m *onnxpb.ModelProto) { described()(m); meta("faird.size", "48x32")(m) }, `"faird.size" twice`},
		{"no filter", described("faird.filter", ""), "lacks faird.filter"},
		{"no size", described("faird.size", ""), "lacks faird.size"},
		{"another colour order", described("faird.colour", "RGB"), `faird.colour is "RGB", must be BGR`},
		{"a size that is none", described("faird.size", "48"), "must be WIDTHxHEIGHT"},
		{"a size with something after", described("faird.size", "48x32x3"), "must be WIDTHxHEIGHT"},
		{"another size", described("faird.size", "32x48"), "the network's input is 48x32"},
		{"a filter that is none", described("faird.filter", "butterworth"), "faird.filter is not what this faird writes"},
		{"an unknown field", described("faird.scoring", `{"k":1,"smooth":3,"scales":1,"gamma":2}`), `unknown field "gamma"`},
		{"something after", described("faird.scoring", `{"k":1,"smooth":3,"scales":1}{}`), "something after its JSON value"},
		{"an unknown filter", described("faird.filter", `{"type":"median"}`), "faird.filter"},
		{"an even mean filter", described("faird.scoring", `{"k":0.1,"smooth":4,"scales":1}`), "faird.scoring"},
		{"another number of channels", described("faird.filter", `{"type":"sobel_xy","ksize":3}`), "takes 1 channels, but filter sobel_xy makes 2"},
		{"training that is no JSON", described("faird.training", "{"), "faird.training: not JSON"},
		{"half a quantization", described("faird.quantization", `{"target":"cpu"}`), "faird.quantization"},
		{"no good picture", calibration(`{"n":0,"threshold":0.1}`), "faird.calibration: n is 0"},
		{"no threshold", calibration(`{"n":9}`), "threshold is 0"},
		{"review above the threshold", calibration(`{"n":9,"threshold":0.1,"review":0.2}`), "review is 0.2"},
		{"a golden sample that is no picture", described("faird.golden", `[{"png":"aGk=","score":1,"tolerance":{"float32":1}}]`), "sample 0: no PNG picture"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { refused(t, network(t, c.e), c.want) })
	}
}

func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	_, err := model.Parse(data)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want something with %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
}

func TestReadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	whole := network(t, described())
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty.onnx":     {nil, "is empty"},
		"text.onnx":      {[]byte("this is a text, not a network\n"), "not an ONNX file"},
		"png.onnx":       {picture(t, 48, 32), "not an ONNX file"},
		"truncated.onnx": {whole[:len(whole)/2], "truncated or damaged"},
		"short.onnx":     {whole[:2], "ends before the network does"},
		"zeros.onnx":     {make([]byte, 4096), "not an ONNX file"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, path, c.want)
	}
	wantError(t, filepath.Join(dir, "missing.onnx"), "no such file")
	wantError(t, dir, "not a file")
	huge := filepath.Join(dir, "huge.onnx")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, model.MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	wantError(t, huge, "more than the 1073741824 that are allowed")
}

func wantError(t *testing.T, path, want string) {
	t.Helper()
	_, err := model.Read(path)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "model "+path) {
		t.Errorf("%s: got %v, want something with %q", filepath.Base(path), err, want)
	}
}

func TestReadRealNetworks(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(golden.Shared(t, "FAIRD_GOLDEN", "golden"), "unet_c8.onnx"):        "256x256 1",
		filepath.Join(golden.Shared(t, "FAIRD_MODELS", "models"), "bottle_c16_128.onnx"): "128x128 1",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := model.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%dx%d %d", f.Width, f.Height, f.Channels); got != want || !f.Plain || f.Path != path {
				t.Errorf("got %s, plain %v, path %s", got, f.Plain, f.Path)
			}
		})
	}
}
