package imagefile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"faird/camera/fault"
	"faird/verdict"
)

// bombs are small files that claim to be enormous images.
func bombs(t testing.TB) map[string][]byte {
	t.Helper()
	jpeg := bytes.Clone(jpegs(t)["4:2:0"])
	frame := bytes.Index(jpeg, []byte{0xff, startOfFrame0, 0, 17})
	copy(jpeg[frame+5:], []byte{0xff, 0xdc, 0xff, 0xdc}) // 65500x65500
	progressive := bytes.Clone(jpegs(t)["4:2:0 progressive"])
	frame = bytes.Index(progressive, []byte{0xff, startOfFrame0 + 2, 0, 17})
	copy(progressive[frame+5:], []byte{0xff, 0xdc, 0xff, 0xdc})
	tile := greyTags(8, 8, 8)
	delete(tile, tiffRows)
	tile[tiffTileW], tile[tiffTileH] = []uint32{65520}, []uint32{65520}
	return map[string][]byte{
		"bits.png":        zeroPNG(20000, 20000, 1, pngGrey),
		"deep.png":        pngOf(12200, 12200, 16, pngRGBA, 0, nil),
		"widest.png":      pngOf(1<<31-1, 1<<31-1, 16, pngRGBA, 1, nil),
		"one.jpg":         jpeg,
		"progressive.jpg": progressive,
		"strip.tif":       tiffOf(binary.LittleEndian, true, greyTags(1<<16, 1<<15, 8), make([]byte, 99)),
		"tile.tif":        tiffOf(binary.LittleEndian, true, tile, make([]byte, 99)),
		"a.bmp":           bmpOf(60000, 60000, 1, 0, make([]byte, 8), nil),
		"a.pgm":           []byte("P5 100000 100000 255\n"),
		"plain.ppm":       []byte("P3 100000 100000 255\n"),
	}
}

// zeroPNG is a whole black PNG.
func zeroPNG(width, height, bits int, colour byte) []byte {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	row := make([]byte, 1+(width*bits*pngChannels[colour]+7)/8)
	for range height {
		_, _ = w.Write(row)
	}
	_ = w.Close()
	head := pngOf(width, height, byte(bits), colour, 0, nil)[:33]
	return join(head, chunk("IDAT", z.Bytes()), chunk("IEND", nil))
}

const bombFolder = "IMAGEFILE_BOMBS" // set in the child process of the test

// A process of its own decodes them, because its peak of memory counts.
func TestBombsTakeNoMemory(t *testing.T) {
	if dir := os.Getenv(bombFolder); dir != "" {
		readBombs(dir)
		return
	}
	dir := t.TempDir()
	for name, data := range bombs(t) {
		if len(data) > 60_000 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestBombsTakeNoMemory$")
	child.Env = append(os.Environ(), bombFolder+"="+dir)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var grown int
	lines := strings.Split(string(out), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "wrong ") {
			t.Error(line)
		}
		_, _ = fmt.Sscanf(line, "grown by %d kB", &grown)
	}
	if grown == 0 || grown > 30_000 {
		t.Errorf("memory grew by %d kB: %s", grown, out)
	}
	t.Logf("memory grew by %d kB", grown)
}

// readBombs prints what was not refused, and by how much the peak of memory grew.
func readBombs(dir string) {
	before := peakKB()
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if err := readFile(f, 0); fault.Of(err) != verdict.TooLarge {
			fmt.Println("wrong", filepath.Base(f), err)
		}
	}
	fmt.Printf("grown by %d kB\n", peakKB()-before)
}

// peakKB is the most memory that this process ever held.
func peakKB() (kB int) {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(rest, &kB)
	return kB
}
