package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// touch makes empty files; Find opens none.
func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		shape string
		want  []string // name kind mask
	}{
		"MVTec AD": {
			[]string{
				"train/good/0.png", "test/good/0.png", "test/hole/0.png", "test/hole/1.png",
				"ground_truth/hole/0_mask.png", "license.txt", "test/readme.txt",
			},
			ShapeMVTec,
			[]string{"test/good/0.png good -", "test/hole/0.png hole ground_truth/hole/0_mask.png", "test/hole/1.png hole -"},
		},
		"VisA's one-class form of it": {
			[]string{"test/good/0.JPG", "test/bad/7.JPG", "ground_truth/bad/7.png"},
			ShapeMVTec,
			[]string{"test/bad/7.JPG bad ground_truth/bad/7.png", "test/good/0.JPG good -"},
		},
		"VisA": {
			[]string{"Data/Images/Normal/0.JPG", "Data/Images/Anomaly/0.JPG", "Data/Masks/Anomaly/0.png", "image_anno.csv"},
			ShapeVisA,
			[]string{"Data/Images/Anomaly/0.JPG anomaly Data/Masks/Anomaly/0.png", "Data/Images/Normal/0.JPG good -"},
		},
		"VisA's folder Data": {
			[]string{"Images/Normal/0.JPG", "Images/Anomaly/0.JPG", "Masks/Anomaly/0.png"},
			ShapeVisA,
			[]string{"Images/Anomaly/0.JPG anomaly Masks/Anomaly/0.png", "Images/Normal/0.JPG good -"},
		},
		"plain": {
			[]string{"good/a.bmp", "dent/b.tif", "dent/day 2/c.webp", "train/x.png", ".trash/y.png", "loose.png"},
			ShapePlain,
			[]string{"dent/b.tif dent -", "dent/day 2/c.webp dent -", "good/a.bmp good -"},
		},
		"exported review":   {[]string{"defect/a.png"}, ShapePlain, []string{"defect/a.png defect -"}},
		"only good":         {[]string{"good/a.png"}, ShapePlain, []string{"good/a.png good -"}},
		"plain with masks":  {[]string{"good/a.png", "dent/b.png", "ground_truth/dent/b_mask.png"}, ShapePlain, []string{"dent/b.png dent ground_truth/dent/b_mask.png", "good/a.png good -"}},
		"a mask for a good": {[]string{"test/good/0.png", "ground_truth/good/0_mask.png"}, ShapeMVTec, []string{"test/good/0.png good -"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			touch(t, dir, c.files...)
			s, err := Find(dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range s.Items {
				mask := "-"
				if i.Mask != "" {
					mask, _ = filepath.Rel(dir, i.Mask)
				}
				got = append(got, fmt.Sprintf("%s %s %s", i.Name, i.Kind, mask))
				if i.Defective != (i.Kind != "good") || i.Path != filepath.Join(dir, i.Name) {
					t.Errorf("%+v", i)
				}
			}
			if s.Shape != c.shape || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("shape %s\n%s\nwant %s\n%s", s.Shape, strings.Join(got, "\n"), c.shape, strings.Join(c.want, "\n"))
			}
		})
	}
}

// Thumbnails and hidden files are no test images, links are followed, and what
// was left out is counted.
func TestFindInAnUntidyFolder(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	touch(t, dir, "good/a.png", "good/._a.png", "good/@eaDir/a.png/SYNOPHOTO_THUMB_S.jpg", "dent/Thumbs.db", "dent/b.png",
		"@eaDir/c.png", ".trash/d.png", "ground_truth/dent/._b_mask.png", "ground_truth/dent/b_mask.png")
	touch(t, other, "e.png")
	if err := os.Symlink(other, filepath.Join(dir, "scratch")); err != nil {
		t.Fatal(err)
	}
	s, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range s.Items {
		got = append(got, i.Name)
	}
	if want := "dent/b.png good/a.png scratch/e.png"; strings.Join(got, " ") != want {
		t.Errorf("found %s, want %s", got, want)
	}
	if m := s.Items[0].Mask; m != filepath.Join(dir, "ground_truth/dent/b_mask.png") {
		t.Errorf("mask %q", m)
	}
	if got := s.Skipped.String(); got != "1 file of another type (Thumbs.db), 1 hidden file (._a.png), 1 system folder (@eaDir)" {
		t.Errorf("left out %s", got)
	}
}

func TestFindErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		says  string
	}{
		"empty":             {nil, "no labelled pictures"},
		"unlabelled":        {[]string{"a.png", "b/c.png"}, "no labelled pictures"},
		"only training":     {[]string{"train/good/0.png"}, "no folder test"},
		"several data sets": {[]string{"bottle/test/good/0.png", "cable/test/good/0.png"}, "bottle"},
		"no pictures":       {[]string{"good/readme.txt"}, "no labelled pictures"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			touch(t, dir, c.files...)
			if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v does not say %q and name the folder", err, c.says)
			}
		})
	}
	if _, err := Find(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("error %v", err)
	}
}
