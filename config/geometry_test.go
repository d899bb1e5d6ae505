package config

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const geometryStation = `stations:
- name: cap
  model: demo
  camera: {url: "demo://"}
`

func TestGeometryIsRead(t *testing.T) {
	c := mustLoad(t, geometryStation+`  rotate: 3.5
  flip: horizontal
  roi: {x: 40, y: 40, w: 200, h: 100}
  tiles: {overlap: 16}
  align: {reference: good.png, mark: {x: 1, y: 2, w: 30, h: 40}}
- name: two
  camera: {url: "demo://"}
  model: demo
  regions:
  - {name: left, roi: {x: 0, y: 0, w: 50, h: 50}, threshold: 0.2}
  - {name: right, model: r.onnx, roi: {x: 50, y: 0, w: 50, h: 50}, rotate: 90}
`, "FAIRD_STATIONS_TWO_REGIONS_LEFT_THRESHOLD=0.3", "FAIRD_STATIONS_CAP_ALIGN_SEARCH=7")
	cap, two := c.Stations[0], c.Stations[1]
	folder := filepath.Dir(c.Path())
	align := &Align{Reference: filepath.Join(folder, "good.png"), Mark: Rect{1, 2, 30, 40}, Search: 7, MinMatch: 0.6}
	if cap.Rotate != 3.5 || cap.Flip != "horizontal" || !reflect.DeepEqual(cap.Tiles, &Tiles{Overlap: 16}) || !reflect.DeepEqual(cap.Align, align) {
		t.Errorf("got %+v, %+v, %+v", cap, cap.Tiles, cap.Align)
	}
	want := []Region{
		{Name: "left", Model: DemoModel, Threshold: ptr(0.3), ROI: &Rect{0, 0, 50, 50}, Flip: "none"},
		{Name: "right", Model: filepath.Join(folder, "r.onnx"), ROI: &Rect{50, 0, 50, 50}, Rotate: 90, Flip: "none"},
	}
	if got := two.Several(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if cap.Several() != nil || cap.Whole().Rotate != 3.5 {
		t.Errorf("one region is %+v", cap.Whole())
	}
}

func TestGeometryRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"flip":               {"flip: sideways", `stations.cap.flip: "sideways" is not known here; choose none, horizontal, vertical or both`},
		"angle":              {"rotate: 400", "stations.cap.rotate: 400 is out of range"},
		"angle without roi":  {"rotate: 3", "stations.cap.rotate: 3 degrees need roi"},
		"turned out":         {"roi: {x: 2, y: 50, w: 100, h: 100}\n  rotate: 5", "stations.cap.rotate: turned by 5 degrees, roi begins at -2."},
		"align without roi":  {"align: {reference: a.png, mark: {x: 1, y: 1, w: 9, h: 9}}", "stations.cap.align: needs roi"},
		"no reference":       {"roi: {x: 0, y: 0, w: 9, h: 9}\n  align: {mark: {x: 1, y: 1, w: 9, h: 9}}", "stations.cap.align.reference: missing"},
		"no mark":            {"roi: {x: 0, y: 0, w: 9, h: 9}\n  align: {reference: a.png}", "stations.cap.align.mark: missing"},
		"no search":          {"roi: {x: 0, y: 0, w: 9, h: 9}\n  align: {reference: a.png, mark: {x: 1, y: 1, w: 9, h: 9}, search: 0}", "stations.cap.align.search: 0 is out of range"},
		"match":              {"roi: {x: 0, y: 0, w: 9, h: 9}\n  align: {reference: a.png, mark: {x: 1, y: 1, w: 9, h: 9}, min_match: 1.5}", "stations.cap.align.min_match: 1.5 is out of range"},
		"tile above roi":     {"roi: {x: 0, y: 0, w: 90, h: 200}\n  tiles: {w: 100, h: 80}", "stations.cap.tiles: a tile of 100x80 is larger than roi, 90x200"},
		"tile on its side":   {"roi: {x: 0, y: 0, w: 200, h: 90}\n  rotate: 90\n  tiles: {w: 100, h: 80}", "stations.cap.tiles: a tile of 100x80 is larger than roi, 90x200"},
		"overlap":            {"tiles: {w: 100, h: 100, overlap: 51}", "stations.cap.tiles.overlap: 51 is more than half of a tile of 100"},
		"roi and regions":    {"roi: {x: 0, y: 0, w: 9, h: 9}\n  regions: [{name: a, roi: {x: 0, y: 0, w: 9, h: 9}}]", "stations.cap.roi: given beside regions; move it to the regions it is for"},
		"region's place":     {"regions: [{name: a}]", "stations.cap.regions.a.roi: missing"},
		"region outside":     {"regions: [{name: a, roi: {x: -1, y: 0, w: 9, h: 9}}]", "stations.cap.regions.a.roi: starts at -1,0, outside the picture"},
		"region's name":      {"regions: [{roi: {x: 0, y: 0, w: 9, h: 9}}]", "stations.cap.regions[0].name: missing"},
		"one name twice":     {"regions: [{name: a, roi: {x: 0, y: 0, w: 9, h: 9}}, {name: a, roi: {x: 0, y: 0, w: 9, h: 9}}]", `another region is called "a" too`},
		"region's review":    {"regions: [{name: a, threshold: 1, review: 2, roi: {x: 0, y: 0, w: 9, h: 9}}]", "stations.cap.regions.a.review: 2 is above threshold 1"},
		"misspelt":           {"regions: [{name: a, ignore_mak: m.png, roi: {x: 0, y: 0, w: 9, h: 9}}]", "stations.cap.regions.a.ignore_mak: unknown key; did you mean ignore_mask?"},
		"a key of the whole": {"regions: [{name: a, align: {search: 4}}]", "stations.cap.regions.a.align: unknown key"},
	} {
		_, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), geometryStation+"  "+c.text+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "faird.yaml:") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestRegionsNeedAModel(t *testing.T) {
	text := strings.Replace(geometryStation, "  model: demo\n", "", 1) + "  regions: [{name: a, roi: {x: 0, y: 0, w: 9, h: 9}%s}]\n"
	mustLoad(t, fmt.Sprintf(text, ", model: demo"))
	_, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), fmt.Sprintf(text, "")), nil)
	if err == nil || !strings.Contains(err.Error(), "stations.cap.regions.a.model: missing") {
		t.Errorf("got %v", err)
	}
}

// referencePNG is 60x50 pixels, flat but for a checked square at 10,10.
func referencePNG(t *testing.T, path string) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 60, 50))
	for y := range 20 {
		for x := range 20 {
			if (x/5+y/5)%2 == 0 {
				m.SetGray(10+x, 10+y, color.Gray{Y: 200})
			}
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

// Masks and references keep to the station's limit, which is told from their headers.
func TestCheckKeepsToMaxPixels(t *testing.T) {
	dir := t.TempDir()
	referencePNG(t, filepath.Join(dir, "good.png"))
	for maxPixels, wrong := range map[int]bool{60 * 50: false, 60*50 - 1: true} {
		text := strings.Replace(geometryStation, `camera: {`, fmt.Sprintf(`camera: {max_pixels: %d, `, maxPixels), 1) +
			"  ignore_mask: good.png\n  roi: {x: 5, y: 5, w: 50, h: 40}\n  align: {reference: good.png, mark: {x: 8, y: 8, w: 24, h: 24}}\n"
		cfg, err := Load(put(t, filepath.Join(dir, "faird.yaml"), text), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Check()
		for _, says := range []string{"stations.cap.ignore_mask: ", "stations.cap.align.reference: ", "60x50 pixels", "camera.max_pixels"} {
			if got := err != nil && strings.Contains(err.Error(), says); got != wrong {
				t.Errorf("limit %d: %v, says %q: %t", maxPixels, err, says, got)
			}
		}
	}
}

func TestCheckReadsTheReference(t *testing.T) {
	for name, c := range map[string]struct{ roi, reference, mark, says string }{
		"right":       {"{x: 5, y: 5, w: 50, h: 40}", "good.png", "{x: 8, y: 8, w: 24, h: 24}", ""},
		"missing":     {"{x: 5, y: 5, w: 50, h: 40}", "none.png", "{x: 8, y: 8, w: 24, h: 24}", "stations.cap.align.reference: "},
		"no picture":  {"{x: 5, y: 5, w: 50, h: 40}", "faird.yaml", "{x: 8, y: 8, w: 24, h: 24}", "not a PNG picture"},
		"flat":        {"{x: 5, y: 5, w: 50, h: 40}", "good.png", "{x: 40, y: 8, w: 15, h: 15}", "stations.cap.align.mark: is flat: its standard deviation is 0.0 of 255 grey levels, 4 is needed"},
		"mark beyond": {"{x: 5, y: 5, w: 50, h: 40}", "good.png", "{x: 40, y: 8, w: 21, h: 15}", "ends at 61,23, the reference has 60x50 pixels"},
		"roi beyond":  {"{x: 5, y: 5, w: 50, h: 46}", "good.png", "{x: 8, y: 8, w: 24, h: 24}", "stations.cap.roi: ends at 55,51, but the camera's picture"},
	} {
		dir := t.TempDir()
		referencePNG(t, filepath.Join(dir, "good.png"))
		text := geometryStation + "  roi: " + c.roi + "\n  align: {reference: " + c.reference + ", mark: " + c.mark + "}\n"
		cfg, err := Load(put(t, filepath.Join(dir, "faird.yaml"), text), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := cfg.Check(); (c.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestDiffSeesGeometry(t *testing.T) {
	const text = `stations: [{name: cap, model: demo, camera: {url: "demo://"}, roi: {x: 9, y: 9, w: 99, h: 99}, rotate: 0, flip: none, tiles: {overlap: 8}, align: {reference: a.png, mark: {x: 1, y: 1, w: 9, h: 9}}}]`
	const several = `stations: [{name: cap, model: demo, camera: {url: "demo://"}, regions: [{name: a, roi: {x: 0, y: 0, w: 9, h: 9}, ignore_mask: a.png}]}]`
	for _, c := range []struct{ text, from, to string }{
		{text, "rotate: 0", "rotate: 90"},
		{text, "flip: none", "flip: both"},
		{text, "overlap: 8", "overlap: 9"},
		{text, "a.png", "b.png"},
		{several, "w: 9", "w: 8"},
		{several, "name: a", "name: b"},
	} {
		path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), c.text)
		old, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(path, nil)
		if err != nil || !Diff(old, again).Empty() {
			t.Errorf("the same file differs: %+v, %v", Diff(old, again), err)
		}
		put(t, path, strings.Replace(c.text, c.from, c.to, 1))
		now, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := Diff(old, now); len(got.Changed) != 1 || got.Changed[0].Aspects != Geometry {
			t.Errorf("%s: got %+v", c.to, got)
		}
	}
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"), several)
	put(t, filepath.Join(dir, "a.png"), "one")
	old, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "a.png"), "another")
	now, err := Load(path, nil)
	if err != nil || len(Diff(old, now).Changed) != 1 {
		t.Errorf("a region's mask was rewritten: %+v, %v", Diff(old, now), err)
	}
}
