// Package golden finds the reference arrays that tests of the method compare
// with: the full set outside of the repository, and the small copy inside. It
// is for tests alone and judges nothing itself.
package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faird/fair/npy"
)

// Set is a folder of reference arrays.
type Set struct {
	Dir      string
	Expected Expected
}

// Expected is expected.json.
type Expected struct {
	Images  []Image `json:"images"`
	Metrics Metrics `json:"metrics"`
}

// Image is one picture with the score and the mean of the maps of its restoration.
type Image struct {
	File         string  `json:"file"`
	Score        float64 `json:"score"`
	GradientMean float64 `json:"gradient_mean"`
	ColourMean   float64 `json:"colour_mean"`
}

// Stem is the front of the names of the picture's arrays.
func (i Image) Stem() string { return strings.TrimSuffix(i.File, filepath.Ext(i.File)) }

// Metrics are the metrics of metric_maps and metric_masks.
type Metrics struct {
	Labels      []int     `json:"labels"`
	ImageScores []float64 `json:"image_scores"`
	ImageAUROC  float64   `json:"image_auroc"`
	PixelAUROC  float64   `json:"pixel_auroc"`
	AUPRO30     float64   `json:"aupro_30"`
}

// Each runs a test with the full set, skipped with a message where it is
// missing, and with the copy in the repository.
func Each(t *testing.T, test func(t *testing.T, s *Set)) {
	t.Helper()
	t.Run("full", func(t *testing.T) { test(t, Full(t)) })
	t.Run("copy", func(t *testing.T) { test(t, open(t, filepath.Join(Root(t), "fair", "testdata", "golden"))) })
}

// Full is the set in the folder FAIRD_GOLDEN, default ../shared/golden beside
// the repository; without it the test skips.
func Full(t testing.TB) *Set {
	t.Helper()
	return open(t, Shared(t, "FAIRD_GOLDEN", "golden"))
}

// Shared is Folder, and skips the test where there is no such folder: in a bare
// clone. What is missing inside of it is for the test to fail on.
func Shared(t testing.TB, env, name string) string {
	t.Helper()
	dir := Folder(t, env, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference data beside this clone (%v): set %s to the folder of %s", err, env, name)
	}
	return dir
}

// Folder is what the environment variable names, else a folder of shared/ beside the repository.
func Folder(t testing.TB, env, name string) string {
	t.Helper()
	if dir := os.Getenv(env); dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(Root(t)), "shared", name)
}

// Root is the repository's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

func open(t testing.TB, dir string) *Set {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Set{Dir: dir}
	if err := json.Unmarshal(data, &s.Expected); err != nil {
		t.Fatal(err)
	}
	if len(s.Expected.Images) == 0 {
		t.Fatalf("%s/expected.json lists no pictures", dir)
	}
	return s
}

// Path of a file of the set.
func (s *Set) Path(name string) string { return filepath.Join(s.Dir, name) }

// Has says whether the set holds an array; the copy holds fewer than the full set.
func (s *Set) Has(name string) bool {
	_, err := os.Stat(s.Path(name + ".npy"))
	return err == nil
}

// Array reads an array and checks its shape.
func (s *Set) Array(t testing.TB, name string, shape ...int) []float32 {
	t.Helper()
	got, data, err := npy.Read(s.Path(name + ".npy"))
	if err != nil {
		t.Fatal(err)
	}
	if len(shape) > 0 && !slices.Equal(got, shape) {
		t.Fatalf("%s has the shape %v, want %v", name, got, shape)
	}
	return data
}

// Planar reads an interleaved [h,w,3] array as [3,h,w].
func (s *Set) Planar(t testing.TB, name string) (data []float32, h, w int) {
	t.Helper()
	shape, interleaved, err := npy.Read(s.Path(name + ".npy"))
	if err != nil {
		t.Fatal(err)
	}
	if len(shape) != 3 || shape[2] != 3 {
		t.Fatalf("%s has the shape %v, want [h w 3]", name, shape)
	}
	h, w = shape[0], shape[1]
	data = make([]float32, len(interleaved))
	for i, v := range interleaved {
		data[i%3*h*w+i/3] = v
	}
	return data, h, w
}
