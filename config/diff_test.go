package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const before = `log: {level: info}
mqtt: {username: a, password: b, builtin: {users: [{name: plc, password: cccccccccc}]}}
stations:
- {name: cap, model: demo, camera: {url: "demo://"}, threshold: 0.2, review: 0.1, roi: {x: 0, y: 0, w: 9, h: 9}}
- {name: label, model: demo, camera: {url: "demo://?seed=2"}}
`

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string
		want    Changes
	}{
		"nothing":       {[]string{"info", "info"}, Changes{}},
		"a comment":     {[]string{"stations:", "stations: # two"}, Changes{}},
		"log":           {[]string{"info", "debug"}, Changes{Log: true}},
		"threshold":     {[]string{"0.2", "0.3"}, changed("cap", Thresholds)},
		"review gone":   {[]string{", review: 0.1", ""}, changed("cap", Thresholds)},
		"roi":           {[]string{"w: 9", "w: 8"}, changed("cap", ROI)},
		"roi gone":      {[]string{", roi: {x: 0, y: 0, w: 9, h: 9}", ""}, changed("cap", ROI)},
		"mask":          {[]string{"seed=2\"}", "seed=2\"}, ignore_mask: m.png"}, changed("label", Mask)},
		"camera":        {[]string{"seed=2", "seed=3"}, changed("label", Source)},
		"read timeout":  {[]string{`seed=2"`, `seed=2", read_timeout: 9s`}, changed("label", Source)},
		"model":         {[]string{"{name: label, model: demo", "{name: label, model: m.onnx"}, changed("label", Model)},
		"trigger":       {[]string{"{name: label", "{trigger: {mode: mqtt}, name: label"}, changed("label", Triggering)},
		"on_storage":    {[]string{"{name: label", "{on_storage: no_read, name: label"}, changed("label", OnStorage)},
		"several":       {[]string{"0.2", "0.3", "w: 9", "w: 8"}, changed("cap", Thresholds|ROI)},
		"added":         {[]string{"stations:\n", "stations:\n- {name: x, model: demo, camera: {url: 'demo://'}}\n"}, Changes{Added: []string{"x"}}},
		"renamed":       {[]string{"name: label", "name: tag"}, Changes{Added: []string{"tag"}, Removed: []string{"label"}}},
		"restart":       {[]string{"username: a", "username: z, timeout: 9s", "log:", "site: s\nlog:"}, Changes{Restart: []string{"mqtt.timeout", "mqtt.username", "site"}}},
		"password":      {[]string{"password: b", "password: zzzzzzzzzz"}, Changes{Restart: []string{"mqtt.password"}}},
		"user":          {[]string{"password: cccccccccc", "password: zzzzzzzzzz"}, Changes{Restart: []string{"mqtt.builtin.users[0]"}}},
		"another user":  {[]string{"password: cccccccccc}", "password: cccccccccc}, {name: x, password: yyyyyyyyyy}"}, Changes{Restart: []string{"mqtt.builtin.users[1]"}}},
		"strict is set": {[]string{"log:", "infer: {strict: false}\nlog:"}, Changes{Restart: []string{"infer.strict"}}},
	} {
		dir := t.TempDir()
		path := put(t, filepath.Join(dir, "faird.yaml"), before)
		old, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, strings.NewReplacer(c.replace...).Replace(before))
		now, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := Diff(old, now)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if got.Empty() != reflect.DeepEqual(c.want, Changes{}) {
			t.Errorf("%s: Empty is %v", name, got.Empty())
		}
	}
}

func changed(name string, a Aspect) Changes {
	return Changes{Changed: []StationChange{{name, a}}}
}

func TestDiffSeesThatFilesWereRewritten(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"),
		`stations: [{name: cap, model: m.onnx, ignore_mask: m.png, camera: {url: "demo://"}}]`)
	mask, model := filepath.Join(dir, "m.png"), filepath.Join(dir, "m.onnx")
	put(t, mask, "one")
	put(t, model, "one")
	steps := []struct {
		file string
		want Changes
	}{
		{"", Changes{}},
		{mask, changed("cap", Mask)},
		{model, changed("cap", Model)},
	}
	for _, s := range steps {
		old, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.file != "" {
			put(t, s.file, "another")
		}
		now, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := Diff(old, now); !reflect.DeepEqual(got, s.want) {
			t.Errorf("%s: got %+v, want %+v", s.file, got, s.want)
		}
	}
}

func TestDiffOfConfigsThatWereNotLoaded(t *testing.T) {
	old, now := Default(), Default()
	now.Stations = []Station{DefaultStation()}
	now.Stations[0].Name = "cap"
	if got := Diff(&old, &now); !reflect.DeepEqual(got, Changes{Added: []string{"cap"}}) {
		t.Errorf("got %+v", got)
	}
	if got := Diff(&now, &now); !got.Empty() {
		t.Errorf("got %+v", got)
	}
}

func TestAspectString(t *testing.T) {
	if got := (Thresholds | ROI | Model).String(); got != "thresholds, roi, model" {
		t.Errorf("got %s", got)
	}
	if a := Thresholds | Mask; !a.Has(Mask|Model) || a.Has(Model|Source) {
		t.Error("Has does not find aspects")
	}
}
