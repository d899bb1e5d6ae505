package model_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model"
	"faird/model/onnxpb"
)

// FuzzParse: no bytes make it panic, and what it accepts can be written and
// read back as the same.
func FuzzParse(f *testing.F) {
	whole := network(f, described())
	full, err := model.New(network(f), fullSpec(f))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		nil, []byte("text"),
		{0x08},
		whole, whole[:len(whole)/2], network(f), full.Bytes(), picture(f, 16, 16),
		network(f, described("faird.calibration", `{"n":9,"threshold":0.1,"review":null}`)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := model.Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(file.Bytes(), data) {
			t.Fatal("the bytes are not those given")
		}
		again, err := model.New(data, file.Spec)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := model.Parse(again.Bytes()); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if _, err := model.SetBatch(data, max(file.Batch, 1)); err != nil {
			t.Fatalf("its batch cannot be fixed: %v", err)
		}
	})
}

// FuzzMetadata: no text in place of what faird writes makes it panic, and what
// is accepted makes sense.
func FuzzMetadata(f *testing.F) {
	names := []string{"faird.filter", "faird.size", "faird.scoring", "faird.calibration", "faird.quantization", "faird.golden", "faird.training"}
	for n, seed := range map[int]string{
		0: `{"type":"butterworth","d0":30,"order":2}`, 1: "48x32", 2: `{"k":0.001,"smooth":11,"scales":1}`,
		3: `{"n":9,"threshold":0.1,"review":null}`, 4: `{"target":"cpu"}`, 5: `[{"png":"AAAA","score":0.1,"tolerance":{"float32":0.001}}]`, 6: `{"a":[1,2]}`,
	} {
		f.Add(uint8(n), seed)
		f.Add(uint8(n), "[[[[")
		f.Add(uint8(n), "-1x99999999999999999999")
	}
	plain := network(f)
	f.Fuzz(func(t *testing.T, n uint8, value string) {
		var m onnxpb.ModelProto
		if err := proto.Unmarshal(plain, &m); err != nil {
			t.Fatal(err)
		}
		described(names[int(n)%len(names)], value)(&m)
		data, err := proto.Marshal(&m)
		if err != nil {
			return // not UTF-8
		}
		file, err := model.Parse(data)
		if err == nil && (file.Width != 48 || file.Height != 32 || file.Scoring.Smooth < 1 || file.Validate() != nil) {
			t.Errorf("%q passes as %+v", value, file.Spec)
		}
	})
}
