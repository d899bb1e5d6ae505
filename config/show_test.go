package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const shown = `site: plant1
mqtt: {broker: "tcp://plant", username: a, password: hunter2, timeout: 1h30m}
infer: {tensorrt: {engine_cache: none}}
stations:
- name: cap
  model: demo
  camera: {url: "rtsp://u:hunter2@cam/1"}
  threshold: 0.14
`

func TestShowSaysWhereValuesCameFrom(t *testing.T) {
	c := mustLoad(t, shown, "FAIRD_LOG_LEVEL=debug", "FAIRD_STATIONS_CAP_REVIEW=0.1")
	got := c.Show()
	for _, want := range []string{
		"site: plant1 # faird.yaml:1\n",
		"  level: debug # FAIRD_LOG_LEVEL\n",
		"  format: auto\n",
		"  broker: tcp://plant:1883 # faird.yaml:2\n",
		"  password: '******' # faird.yaml:2\n",
		"  timeout: 1h30m # faird.yaml:2\n",
		"    users: []\n",
		"  max_age: 720h\n",
		"  max_bytes: 2GiB\n",
		"  - name: cap # faird.yaml:5\n",
		"      url: rtsp://u:******@cam/1 # faird.yaml:7\n",
		"    threshold: 0.14 # faird.yaml:8\n",
		"    review: 0.1 # FAIRD_STATIONS_CAP_REVIEW\n",
		"    roi: null\n",
		"  strict: null\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestShowCanBeLoaded(t *testing.T) {
	c := mustLoad(t, shown)
	again, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), c.Show()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != c.Hash() {
		t.Errorf("loaded again it is\n%s\nnot\n%s", again.Show(), c.Show())
	}
}

func TestHashTellsConfigsApart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "faird.yaml")
	hash := func(text string, env ...string) string {
		c, err := Load(put(t, path, text), env)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash()
	}
	first := hash(shown)
	if !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+64 {
		t.Errorf("got %s", first)
	}
	same := []string{
		hash("# a comment\n" + shown + "log: {level: info}\n"),
		hash(strings.ReplaceAll(shown, "hunter2", "other")),
		hash(strings.ReplaceAll(shown, "0.14", "0.1"), "FAIRD_STATIONS_CAP_THRESHOLD=0.14"),
	}
	for i, h := range same {
		if h != first {
			t.Errorf("%d: %s differs from %s", i, h, first)
		}
	}
	for _, text := range []string{strings.ReplaceAll(shown, "0.14", "0.15"), shown + "  roi: {x: 0, y: 0, w: 1, h: 1}\n", shown + "log: {level: debug}\n"} {
		if hash(text) == first {
			t.Errorf("the same for\n%s", text)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 500 * time.Millisecond: "500ms", 10 * time.Minute: "10m", 10 * time.Hour: "10h",
	} {
		if got := durationText(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if back, err := time.ParseDuration(want); err != nil || back != d {
			t.Errorf("%s reads as %s, %v", want, back, err)
		}
	}
}

// everyGeometry are the station's keys that are shown only where they are given.
const everyGeometry = `- name: two
  camera: {url: "demo://"}
  align: {reference: good.png, mark: {x: 1, y: 1, w: 9, h: 9}}
  regions: [{name: left, model: demo, roi: {x: 0, y: 0, w: 9, h: 9}, tiles: {w: 4, h: 4, overlap: 2}}]
`

// TestEveryKeyIsShown goes through the struct, so that no key is
// forgotten in Show.
func TestEveryKeyIsShown(t *testing.T) {
	c := mustLoad(t, shown+everyGeometry, "FAIRD_MQTT_CLIENT_ID=x")
	text := c.Show()
	var walk func(t reflect.Type)
	walk = func(typ reflect.Type) {
		for _, f := range fields(typ) {
			if typ != reflect.TypeFor[User]() && !strings.Contains(text, f.key+":") {
				t.Errorf("%s is not shown", f.key)
			}
			if isSection(f.typ) {
				walk(f.typ)
			} else if isList(f.typ) {
				walk(f.typ.Elem())
			}
		}
	}
	walk(configType)
}
