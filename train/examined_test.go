package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

// copies writes n copies of a picture, each a little brighter than the one before.
func copies(t *testing.T, path string, n int) {
	t.Helper()
	m := gocv.IMRead(path, gocv.IMReadColor)
	defer m.Close()
	for i := range n {
		other := gocv.NewMat()
		defer other.Close()
		if err := m.ConvertToWithParams(&other, gocv.MatTypeCV8UC3, 1, float32(i%4)); err != nil {
			t.Fatal(err)
		}
		if !gocv.IMWrite(filepath.Join(filepath.Dir(path), fmt.Sprintf("copy%02d.jpg", i)), other) {
			t.Fatal("a test picture cannot be written")
		}
	}
}

// What a training says of a folder with copies, thumbnails and a black picture,
// before it begins.
func TestExamined(t *testing.T) {
	o := options(t)
	o.Steps = 1
	copies(t, filepath.Join(o.Good, "003.png"), 30)
	write(t, filepath.Join(o.Good, "@eaDir"), 16, 60, 40)
	write(t, filepath.Join(o.Good, ".trash"), 3, 60, 40)
	black := gocv.Zeros(40, 60, gocv.MatTypeCV8UC3)
	defer black.Close()
	if !gocv.IMWrite(filepath.Join(o.Good, "black.png"), black) {
		t.Fatal("a test picture cannot be written")
	}
	want := []string{
		"left out of " + o.Good + ": 1 hidden folder (.trash), 1 system folder (@eaDir)",
		"47 images show 17 different parts: near-duplicates count once, such as 003.png and copy00.jpg",
		"look at 1 image, unlike the others: black.png (black)",
	}
	var told []Examined
	var stage string
	r, err := Run(t.Context(), o, func(p Progress) {
		if stage = p.Stage; p.Examined != nil {
			told = append(told, *p.Examined)
			if stage != Reading {
				t.Errorf("told while %s", stage)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Pictures != 47 || told[0].Parts != 17 || !slices.Equal(told[0].Words, want) {
		t.Errorf("told %+v\nwant %q", told, want)
	}
	c := r.File.Calibration
	if c.N != 5 || len(r.Scores)+r.Pictures != 47 || len(r.Scores) > c.N && c.Images != len(r.Scores) {
		t.Errorf("calibrated on %d parts in %d pictures, of %d", c.N, c.Images, len(r.Scores))
	}
	if !strings.Contains(string(r.File.Training), `"parts":17`) {
		t.Errorf("provenance %s", r.File.Training)
	}

	o.Textures = filepath.Join(t.TempDir(), "textures")
	write(t, o.Textures, 4, 60, 40)
	write(t, filepath.Join(o.Textures, "#recycle"), 1, 60, 40)
	if r = run(t, o); len(r.Examined.Words) != 4 || r.Examined.Words[3] != "left out of "+o.Textures+": 1 system folder (#recycle)" {
		t.Errorf("with textures: %q", r.Examined.Words)
	}
	o.Textures, o.DropOutliers = "", true
	if r = run(t, o); r.Examined.Pictures != 46 || r.Examined.Parts != 16 || r.Examined.Words[3] != "left out: 1 unlike the others" {
		t.Errorf("without outliers: %+v", r.Examined)
	}
	o.DropOutliers, o.Distinct = false, true
	if r = run(t, o); r.Examined.Pictures != 47 || r.Examined.Parts != 47 || len(r.Examined.Words) != 2 {
		t.Errorf("each its own part: %+v", r.Examined)
	}
}

func TestCopiesAreTooFew(t *testing.T) {
	o := options(t)
	entries, err := os.ReadDir(o.Good)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[5:] {
		if err := os.Remove(filepath.Join(o.Good, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	copies(t, filepath.Join(o.Good, "003.png"), 55)
	if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "show only 5 different part(s)") || !strings.Contains(err.Error(), "--distinct") {
		t.Errorf("60 pictures of 5 parts: %v", err)
	}
}
