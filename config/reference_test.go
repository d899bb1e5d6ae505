package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const reference = "../faird.yaml"

// examples are the keys whose values in faird.yaml cannot be defaults.
var examples = map[string]bool{
	"infer.strict": true, "mqtt.password": true, "sparkplug.password": true,
	"mqtt.builtin.users.plc.name": true, "mqtt.builtin.users.plc.password": true, "mqtt.builtin.users.plc.password_file": true,
	"stations.line.name": true, "stations.line.camera.url": true, "stations.line.model": true,
	"stations.line.trigger.interval": true, "stations.line.threshold": true, "stations.line.review": true,
	"stations.line.validity.dark_max": true, "stations.line.validity.saturated_max": true,
	"stations.line.validity.brightness_min": true, "stations.line.validity.brightness_max": true,
	"stations.line.validity.sharpness_min": true, "stations.line.validity.colour_min": true,
	"stations.line.validity.aspect_min": true, "stations.line.validity.aspect_max": true,
	"stations.line.tiles.w": true, "stations.line.tiles.h": true, "stations.line.tiles.overlap": true,
	"stations.line.align.reference": true, "stations.line.align.search": true, "stations.line.align.min_match": true,
	"stations.line.align.mark.x": true, "stations.line.align.mark.y": true, "stations.line.align.mark.w": true, "stations.line.align.mark.h": true,
	"stations.line.regions.left.name": true, "stations.line.regions.left.threshold": true, "stations.line.regions.left.review": true,
	"stations.line.regions.left.roi.x": true, "stations.line.regions.left.roi.y": true, "stations.line.regions.left.roi.w": true, "stations.line.regions.left.roi.h": true,
	"stations.line.regions.left.tiles.w": true, "stations.line.regions.left.tiles.h": true, "stations.line.regions.left.tiles.overlap": true,
	"stations.line.roi.x": true, "stations.line.roi.y": true, "stations.line.roi.w": true, "stations.line.roi.h": true,
}

func TestReferenceRunsAsItStands(t *testing.T) {
	c, err := Load(reference, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings %q", w)
	}
	want := DefaultStation()
	want.Name, want.Camera.URL, want.Model = "line", "demo://", DemoModel
	want.ROI = &Rect{X: 64, Y: 112, W: 480, H: 480}
	if len(c.Stations) != 1 || !reflect.DeepEqual(c.Stations[0], want) {
		t.Errorf("got stations %+v", c.Stations)
	}
}

// commentedKey is a key in a comment: no space after the #, or those of an item.
var commentedKey = regexp.MustCompile(`(?m)^( *)#([a-z]| {2})`)

// uncommented is the reference with every key in force.
func uncommented(t *testing.T) *yaml.Node {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for commentedKey.Match(text) {
		text = commentedKey.ReplaceAll(text, []byte("$1$2"))
	}
	doc := new(yaml.Node)
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return doc.Content[0]
}

func TestReferenceHasEveryKeyWithItsDefault(t *testing.T) {
	r := &reader{src: &source{shown: "faird.yaml", origins: map[string]Origin{}, items: map[string][]string{}}}
	file := r.section(uncommented(t), configType, "")
	if err := r.problems.err(); err != nil {
		t.Fatal(err)
	}
	var compare func(typ reflect.Type, have map[string]any, want reflect.Value, at string)
	compare = func(typ reflect.Type, have map[string]any, want reflect.Value, at string) {
		for _, f := range fields(typ) {
			key, value := join(at, f.key), want.Field(f.index)
			given, ok := have[f.key]
			switch {
			case !ok:
				t.Errorf("%s is not in faird.yaml", key)
			case isList(f.typ):
				item := reflect.ValueOf(map[string]any{"stations": DefaultStation(), "stations.line.regions": DefaultRegion(), "mqtt.builtin.users": User{}}[key])
				compare(f.typ.Elem(), given.([]any)[0].(map[string]any), item, r.src.items[key][0])
			case isSection(f.typ):
				if value.Kind() == reflect.Pointer {
					value = reflect.Zero(f.typ)
				}
				compare(f.typ, given.(map[string]any), value, key)
			case !examples[key] && !reflect.DeepEqual(given, value.Interface()):
				t.Errorf("%s is %v in faird.yaml, but its default is %v", key, given, value)
			}
		}
	}
	compare(configType, file, reflect.ValueOf(Default()), "")
	for key := range examples {
		if _, ok := r.src.origins[key]; !ok {
			t.Errorf("the example %s is not in faird.yaml", key)
		}
	}
}

func TestReferenceFitsATerminal(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if len(line) > 80 {
			t.Errorf("line %d is %d wide", i+1, len(line))
		}
	}
}

// TestReferenceAsAService loads it where systemd has it, folders and all.
func TestReferenceAsAService(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), string(text))
	c, err := Load(path, []string{"STATE_DIRECTORY=/var/lib/faird", "CACHE_DIRECTORY=/var/cache/faird"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Path != "/var/lib/faird" || c.Infer.TensorRT.EngineCache != "/var/cache/faird/tensorrt" {
		t.Errorf("got %s and %s", c.Store.Path, c.Infer.TensorRT.EngineCache)
	}
}
