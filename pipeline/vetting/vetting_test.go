package vetting

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/model"
	"faird/model/demo"
)

func TestMain(m *testing.M) {
	BeChild()
	os.Exit(m.Run())
}

func TestTry(t *testing.T) {
	p := filepath.Join(t.TempDir(), "m.onnx")
	os.WriteFile(p, demo.Model(), 0600)
	for range 3 {
		v := New(nil, zerolog.New(os.Stderr))
		f, err := model.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("memory", f.Memory>>20)
		b := time.Now()
		err = v.Examine(t.Context(), f, config.Infer{Provider: "cpu"})
		t.Log(err, time.Since(b))
		b = time.Now()
		err = v.Examine(t.Context(), f, config.Infer{Provider: "cpu"})
		t.Log(err, time.Since(b))
	}
}
