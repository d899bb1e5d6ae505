package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One broken file among several costs the others nothing: each has a line, and the
// command fails in the end.
func TestScoreOneBroken(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1.png", "3.png"} {
		squarePNG(t, filepath.Join(dir, name), 300, grey)
	}
	write(t, dir, "2.png", "")
	write(t, dir, "notes.txt", "")
	code, stdout, stderr := run(t, dir, "score", "--model", "demo", "--json", "1.png", "2.png", "3.png", "none.png")
	var all []scored
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || code != 1 || len(all) != 4 {
		t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	for i, s := range all {
		if broken := i%2 == 1; (s.Score == nil) != broken || (s.Verdict == nil) != broken || (s.Detail != "") != broken || s.Regions == nil {
			t.Errorf("%+v", s)
		}
	}
	if !strings.Contains(all[1].Detail, "no bytes") || strings.Contains(all[1].Detail, "2.png") {
		t.Errorf("detail %q", all[1].Detail)
	}
	if !strings.Contains(stderr, "2 of 4 files could not be scored; the first: 2.png: ") || strings.Count(stderr, "2.png") != 1 {
		t.Errorf("stderr %s", stderr)
	}

	code, stdout, stderr = run(t, filepath.Dir(dir), "score", "--model", "demo", filepath.Base(dir)) // as a folder
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 1 || len(lines) != 3 || !strings.HasPrefix(lines[1], "no score  incomplete image: it has no bytes") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	if !strings.Contains(stderr, "1 file of another type (notes.txt)") {
		t.Errorf("stderr %s", stderr)
	}
}

// bomb is a PNG of a few kilobytes that says it has 20,000 x 20,000 pixels of one
// bit, and has them.
func bomb(t *testing.T) string {
	t.Helper()
	const side = 20_000
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	row := make([]byte, 1+side/8)
	for range side {
		if _, err := z.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(kind), data...)
		out = append(out, body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	header := binary.BigEndian.AppendUint32(nil, side)
	chunk("IHDR", append(binary.BigEndian.AppendUint32(header, side), 1, 0, 0, 0, 0))
	chunk("IDAT", packed.Bytes())
	chunk("IEND", nil)
	return string(out)
}

// An image beyond the limit is refused by its header, by every command.
func TestHugeDimensions(t *testing.T) {
	dir, huge := t.TempDir(), bomb(t)
	for _, kind := range []string{"good", "dent"} {
		if err := os.Mkdir(filepath.Join(dir, kind), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"1", "2", "3", "4", "5", "6", "7"} {
			write(t, filepath.Join(dir, kind), name+".png", huge)
		}
	}
	for name, args := range map[string][]string{
		"score":     {"score", "--model", "demo", "good/1.png"},
		"calibrate": {"calibrate", "--model", "demo", "--good", "good", "--out", "m.onnx"},
		"train":     {"train", "--good", "good", "--out", "m.onnx", "--steps", "1"},
		"eval":      {"eval", "--model", "demo", "--data", "."},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := run(t, dir, args...)
			if code != 1 || !strings.Contains(stderr, "a PNG of 20000x20000 pixels") || !strings.Contains(stderr, "--max-pixels") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
