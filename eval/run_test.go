package eval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/fair/golden"
	"faird/inspect"
)

// labelled makes a set of n good and n defective pictures of 96x80 with masks,
// in the shape of MVTec AD.
func labelled(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		square(t, filepath.Join(dir, "test", "good", fmt.Sprintf("%03d.png", i)), 96, 80, 0)
		square(t, filepath.Join(dir, "test", "hole", fmt.Sprintf("%03d.png", i)), 96, 80, 20+2*i)
		mask(t, filepath.Join(dir, "ground_truth", "hole", fmt.Sprintf("%03d_mask.png", i)), 96, 80, 20+2*i, 255)
	}
	return dir
}

func evaluate(t *testing.T, dir string, o Options) (*Evaluation, error) {
	t.Helper()
	s, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Run(context.Background(), greyModel(t), s, o, nil)
}

func TestRun(t *testing.T) {
	dir := labelled(t, 3)
	s, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := greyModel(t)
	var told []int
	e, err := Run(context.Background(), m, s, Options{Threshold: ptr(0.05), Views: true}, func(done, total int) {
		told = append(told, done, total)
	})
	if err != nil {
		t.Fatal(err)
	}
	if *e.ImageAUROC != 1 || e.PixelAUROC == nil || *e.PixelAUROC < 0.95 || e.AUPRO30 == nil || *e.AUPRO30 < 0.7 {
		t.Errorf("AUROC %v, pixels %v, AUPRO %v: a grey picture with a hole is told from one without", *e.ImageAUROC, e.PixelAUROC, e.AUPRO30)
	}
	if e.FalseReject.Count != 0 || e.SlipThrough.Count != 0 || e.Model != m.File().Hash || !strings.HasPrefix(e.Hash, "sha256:") {
		t.Errorf("%+v", e.Figures)
	}
	if !slices.Equal(told, []int{1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 6, 6}) {
		t.Errorf("progress %v", told)
	}
	for _, p := range e.Pictures {
		if (p.Verdict == "fail") != p.Defective || (p.Views.Truth != nil) != p.Defective {
			t.Errorf("%s: verdict %s, truth shown %t", p.Name, p.Verdict, p.Views.Truth != nil)
		}
		for _, view := range [][]byte{p.Views.Picture, p.Views.Restored, p.Views.Map} {
			c, err := jpeg.DecodeConfig(bytes.NewReader(view))
			if err != nil || c.Width != 256 || c.Height != 213 || p.Views.W != c.Width || p.Views.H != c.Height {
				t.Errorf("%s: view of %dx%d, want 256x213: %v", p.Name, c.Width, c.Height, err)
			}
		}
	}
}

// The hash is of what was judged: names, labels, pixels and masks.
func TestHash(t *testing.T) {
	dir := labelled(t, 2)
	of := func(dir string) string {
		e, err := evaluate(t, dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e.Hash
	}
	first := of(dir)
	if again := of(dir); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	mask(t, filepath.Join(dir, "ground_truth", "hole", "001_mask.png"), 96, 80, 30, 255)
	changed := of(dir)
	if err := os.Rename(filepath.Join(dir, "test", "good", "000.png"), filepath.Join(dir, "test", "good", "009.png")); err != nil {
		t.Fatal(err)
	}
	if renamed := of(dir); changed == first || renamed == changed {
		t.Errorf("a changed mask and a renamed picture: %s, %s, %s", first, changed, renamed)
	}
}

func TestWithoutMasksOrThreshold(t *testing.T) {
	dir := labelled(t, 2)
	if err := os.RemoveAll(filepath.Join(dir, "ground_truth")); err != nil {
		t.Fatal(err)
	}
	e, err := evaluate(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e.PixelAUROC != nil || e.AUPRO30 != nil || e.Threshold != nil || e.FalseReject != nil || e.SlipThrough != nil || e.Unmasked != 0 {
		t.Errorf("%+v", e.Figures)
	}
	if e.Pictures[0].Verdict != "" || e.Pictures[0].Views != nil {
		t.Errorf("%+v", e.Pictures[0])
	}
}

// A defective picture without a mask says nothing about its pixels.
func TestMissingMask(t *testing.T) {
	dir := labelled(t, 2)
	if err := os.Remove(filepath.Join(dir, "ground_truth", "hole", "001_mask.png")); err != nil {
		t.Fatal(err)
	}
	e, err := evaluate(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Unmasked != 1 || e.PixelAUROC == nil || e.Images != 4 {
		t.Errorf("%d unmasked, %+v", e.Unmasked, e.Figures)
	}
}

func TestBrokenPictures(t *testing.T) {
	dir := labelled(t, 10)
	cut := func(name string) {
		if err := os.Truncate(filepath.Join(dir, name), 60); err != nil {
			t.Fatal(err)
		}
	}
	cut("test/good/003.png")
	e, err := evaluate(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Broken) != 1 || !strings.Contains(e.Broken[0].Error(), "good/003.png") || e.Images != 19 || e.Good != 9 {
		t.Errorf("left out %v; %d images, %d good", e.Broken, e.Images, e.Good)
	}
	cut("ground_truth/hole/004_mask.png")
	_, err = evaluate(t, dir, Options{})
	if err == nil || !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "2 of 20") || !strings.Contains(err.Error(), "good/003.png") {
		t.Errorf("error %v", err)
	}
}

func TestRunStops(t *testing.T) {
	s, err := Find(labelled(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = Run(ctx, greyModel(t), s, Options{}, func(done, _ int) {
		if done == 1 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// VisA numbers the kinds of defects from 1: hardly visible, but defects.
func TestMask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.png")
	mask(t, path, 128, 128, 64, 1)
	got, err := readMask(path, 64, 64, 0)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 64 {
		for x := range 64 {
			inside := x >= 16 && x < 48 && y >= 16 && y < 48
			if (got[y*64+x] == 1) != inside || got[y*64+x] > 1 {
				t.Fatalf("(%d, %d) is %d", x, y, got[y*64+x])
			}
		}
	}
	if _, err := readMask(path, 64, 64, 128*128-1); !errors.Is(err, inspect.ErrPicture) {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := readMask(filepath.Join(t.TempDir(), "none.png"), 64, 64, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestBottle holds an independent program's figure for this network.
func TestBottle(t *testing.T) {
	data := golden.Shared(t, "FAIRD_DATASETS", "datasets")
	network := filepath.Join(golden.Shared(t, "FAIRD_MODELS", "models"), "bottle_c16_128.onnx")
	m, err := inspect.Load(network, config.Infer{Provider: "cpu"}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := Find(filepath.Join(data, "bottle"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Run(context.Background(), m, s, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.9928571428571429; math.Abs(*e.ImageAUROC-want) > 2e-3 || e.Good != 20 || e.Defective != 63 || e.PixelAUROC != nil {
		t.Errorf("image AUROC %v, want %v; %+v", *e.ImageAUROC, want, e.Figures)
	}
}
