package model_test

import (
	"bytes"
	"testing"

	"faird/model"
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
