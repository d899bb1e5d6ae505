package fit_test

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"faird/train/fit"
)

// FuzzLoad holds that no bytes in a checkpoint's place make a resumed training
// fall over, not even with a checksum that is right.
func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.ckpt")
	id := fit.Identity{"width": "16"}
	if err := fit.Save(path, id, someState()); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	const front = "faird checkpoint 1\n"
	body := whole[len(front)+4 : len(whole)-sha256.Size]
	n := binary.LittleEndian.Uint32(whole[len(front):])
	f.Add(n, body)
	f.Add(uint32(1<<32-1), body)
	f.Add(n+1, body)
	f.Add(uint32(2), []byte("{}"))
	f.Add(uint32(70), []byte(`{"identity":{"width":"16"},"vectors":[{"name":"m","length":1152921504}]}`))
	f.Fuzz(func(t *testing.T, head uint32, body []byte) {
		data := append(binary.LittleEndian.AppendUint32([]byte(front), head), body...)
		sum := sha256.Sum256(data)
		path := filepath.Join(t.TempDir(), "a.ckpt")
		if err := os.WriteFile(path, append(data, sum[:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := fit.Load(path, id)
		if err == nil && 4*(len(s.Weights.Parameters)+len(s.Weights.Statistics)+len(s.Moment1)+len(s.Moment2)) > len(body) {
			t.Error("there are more numbers than the file has")
		}
	})
}
