package model_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"faird/fair"
	"faird/model"
	"faird/model/onnxpb"
)

func TestWriteThenRead(t *testing.T) {
	f, err := model.New(network(t), fullSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := model.Write(path, f); err != nil {
		t.Fatal(err)
	}
	got, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, f) {
		t.Errorf("read   %+v\nwritten %+v", got, f)
	}
	if got.Width != 48 || got.Height != 32 || got.Precision() != model.Int8 || got.Plain {
		t.Errorf("%dx%d, %s, plain %v", got.Width, got.Height, got.Precision(), got.Plain)
	}
}

func TestWriteIsIdempotent(t *testing.T) {
	f, err := model.New(network(t), fullSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	first := f.Bytes()
	if err := model.Write(filepath.Join(t.TempDir(), "m.onnx"), f); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, f.Bytes()) {
		t.Error("writing an unchanged model changed its bytes")
	}
}

func TestWriteStoresAChangedSpec(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(path, network(t), 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	before := f.Hash
	f.Calibration = &model.Calibration{N: 3, Threshold: 0.2}
	if err := model.Write(path, f); err != nil {
		t.Fatal(err)
	}
	got, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Calibration == nil || got.Calibration.Threshold != 0.2 || got.Plain || got.Hash == before || got.Hash != f.Hash {
		t.Errorf("%+v, plain %v, hash %s after %s", got.Calibration, got.Plain, got.Hash, before)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v: must stay 0640", info.Mode(), err)
	}
}

func TestMetadataLeavesOtherBytes(t *testing.T) {
	// A field of a later ONNX, other metadata, and a value that Go's
	// marshaller would write in another way (a varint with padding).
	tail := protowire.AppendTag(nil, 99, protowire.BytesType)
	tail = protowire.AppendString(tail, "from the future")
	tail = append(protowire.AppendTag(tail, 5, protowire.VarintType), 0x81, 0x80, 0x00)
	plain := append(network(t, meta("author", "someone")), tail...)
	f, err := model.New(plain, fullSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(f.Bytes(), plain) {
		t.Error("bytes of the network were changed")
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(f.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if n := len(m.MetadataProps); n != 10 || m.MetadataProps[0].GetKey() != "author" {
		t.Errorf("%d entries, the first %s", n, m.MetadataProps[0].GetKey())
	}
}

func TestMetadataIsTheContracts(t *testing.T) {
	f, err := model.New(network(t), fullSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(f.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range m.MetadataProps {
		got[p.GetKey()] = p.GetValue()
	}
	for key, want := range map[string]string{
		"faird.format": "1", "faird.size": "48x32", "faird.colour": "BGR", "faird.training": `{"pictures":40}`,
		"faird.filter":       `{"type":"ideal","d0":20}`,
		"faird.scoring":      `{"k":0.0002,"smooth":15,"scales":3}`,
		"faird.quantization": `{"target":"cpu","scheme":"uint8 QLinearConv"}`,
		"faird.calibration": `{"n":40,"quantiles":{"0.5":0.05,"0.99":0.09},"mean":0.05,"std":0.01,"threshold":0.14,` +
			`"review":0.1,"false_reject":0.001,"confidence":0.95}`,
	} {
		if got[key] != want {
			t.Errorf("%s is %s, want %s", key, got[key], want)
		}
	}
	var samples []map[string]any
	if err := json.Unmarshal([]byte(got["faird.golden"]), &samples); err != nil || len(samples) != 2 {
		t.Fatalf("faird.golden: %d samples, %v", len(samples), err)
	}
	for _, key := range []string{"png", "defective", "score", "tolerance"} {
		if _, ok := samples[0][key]; !ok {
			t.Errorf("a golden sample lacks %s", key)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := []struct {
		name, path string
		change     func(f *model.File)
		want       string
	}{
		{"a folder that is not there", filepath.Join(dir, "none", "m.onnx"), func(*model.File) {}, "folder exists"},
		{"a folder", dir, func(*model.File) {}, "not a file"},
		{"a wrong threshold", filepath.Join(dir, "m.onnx"), func(f *model.File) { f.Calibration.Threshold = -1 }, "threshold is -1"},
		{"a loose tolerance", filepath.Join(dir, "m.onnx"), func(f *model.File) { f.Golden[1].Tolerance["float16"] = 0.01 }, "more than 5% of the threshold"},
		{"a picture of another size", filepath.Join(dir, "m.onnx"), func(f *model.File) { f.Golden[0].PNG = picture(t, 32, 32) }, "its picture is 32x32"},
		{"another number of channels", filepath.Join(dir, "m.onnx"), func(f *model.File) { f.Filter.Type, f.Filter.KSize = "sobel_xy", 3 }, "makes 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := model.New(network(t), fullSpec(t))
			if err != nil {
				t.Fatal(err)
			}
			c.change(f)
			err = model.Write(c.path, f)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "model "+c.path) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteFollowsALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "v1.onnx"), filepath.Join(dir, "current.onnx")
	if err := os.WriteFile(target, network(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("v1.onnx", link); err != nil {
		t.Fatal(err)
	}
	f, err := model.New(network(t), fullSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Write(link, f); err != nil {
		t.Fatal(err)
	}
	if got, err := model.Read(target); err != nil || got.Hash != f.Hash {
		t.Errorf("the link's target was not written: %v", err)
	}
	if to, err := os.Readlink(link); err != nil || to != "v1.onnx" {
		t.Errorf("the link is %q, %v", to, err)
	}
}

func TestSetBatch(t *testing.T) {
	fixed, err := model.SetBatch(network(t, described()), 4)
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.Parse(fixed)
	if err != nil {
		t.Fatal(err)
	}
	if f.Batch != 4 || f.Plain || f.Filter.Type != "gaussian" {
		t.Errorf("batch %d, %+v", f.Batch, f.Spec)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(fixed, &m); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*onnxpb.ValueInfoProto{m.Graph.Output[0], m.Graph.ValueInfo[0]} {
		if n := v.GetType().GetTensorType().GetShape().GetDim()[0].GetDimValue(); n != 4 {
			t.Errorf("%s has a batch of %d", v.GetName(), n)
		}
	}
	for want, try := range map[string]func() ([]byte, error){
		"batches of 4, not 2": func() ([]byte, error) { return model.SetBatch(fixed, 2) },
		"0 pictures":          func() ([]byte, error) { return model.SetBatch(fixed, 0) },
		"not an ONNX file":    func() ([]byte, error) { return model.SetBatch([]byte("text"), 1) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something with %q", err, want)
		}
	}
	if again, err := model.SetBatch(fixed, 4); err != nil || len(again) != len(fixed) {
		t.Errorf("fixing it twice: %v", err)
	}
}

// A normalised score's Normal comes back bit by bit, in a format of its own that a
// program which does not know it refuses.
func TestNormalIsStored(t *testing.T) {
	spec := fullSpec(t)
	spec.Normal = &fair.Normal{W: 3, H: 2}
	for term := range fair.Terms {
		for i := range 6 {
			spec.Normal.Mean[term] = append(spec.Normal.Mean[term], float32(term)-float32(i)/7)
			spec.Normal.Std[term] = append(spec.Normal.Std[term], 0.1+float32(i)/3)
		}
	}
	f, err := model.New(network(t), spec)
	if err != nil {
		t.Fatal(err)
	}
	again, err := model.Parse(f.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Normal, spec.Normal) {
		t.Errorf("%+v came back as %+v", spec.Normal, again.Normal)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(f.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.MetadataProps {
		if p.GetKey() == "faird.format" && p.GetValue() != "2" {
			t.Errorf("its format is %s", p.GetValue())
		}
	}
	spec.Normal.Std[1][2] = 0
	if _, err := model.New(network(t), spec); err == nil || !strings.Contains(err.Error(), "faird.normal") {
		t.Errorf("a spread of 0: %v", err)
	}
}
