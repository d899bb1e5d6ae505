package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRelativePathsStartAtTheConfigsFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "p.txt"), "x")
	path := put(t, filepath.Join(dir, "faird.yaml"), `
infer: {library: lib/libonnxruntime.so, tensorrt: {engine_cache: engines}}
store: {path: data}
mqtt:
  broker: ssl://plant
  username: a
  password_file: p.txt
  tls: {ca: ca.pem, cert: c.pem, key: /k.pem}
stations:
- {name: cap, model: cap.onnx, ignore_mask: masks/cap.png, camera: {url: "demo://"}}
`)
	t.Chdir(filepath.Dir(dir))
	relative, _ := filepath.Rel(filepath.Dir(dir), path)
	c, err := Load(relative, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Stations[0]
	for got, want := range map[string]string{
		c.Infer.Library: "lib/libonnxruntime.so", c.Infer.TensorRT.EngineCache: "engines", c.Store.Path: "data",
		c.MQTT.PasswordFile: "p.txt", c.MQTT.TLS.CA: "ca.pem", c.MQTT.TLS.Cert: "c.pem", c.MQTT.TLS.Key: "/k.pem",
		s.Model: "cap.onnx", s.IgnoreMask: "masks/cap.png", c.Path(): "faird.yaml",
	} {
		if !filepath.IsAbs(want) {
			want = filepath.Join(dir, want)
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestBareLibraryNameIsTheLoadersBusiness(t *testing.T) {
	if c := mustLoad(t, "infer: {library: libonnxruntime.so.1}"); c.Infer.Library != "libonnxruntime.so.1" {
		t.Errorf("got %s", c.Infer.Library)
	}
}

func TestFoldersOfTheService(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"), "")
	for name, c := range map[string]struct {
		text         string
		env          []string
		store, cache string
	}{
		"beside the file":  {"", nil, dir + "/faird-data", dir + "/faird-data/tensorrt"},
		"systemd":          {"", []string{"STATE_DIRECTORY=/s1:/s2", "CACHE_DIRECTORY=/c"}, "/s1", "/c/tensorrt"},
		"named":            {"store: {path: /d}\ninfer: {tensorrt: {engine_cache: /e}}", []string{"STATE_DIRECTORY=/s"}, "/d", "/e"},
		"none":             {"infer: {tensorrt: {engine_cache: none}}", []string{"STATE_DIRECTORY=/s", "CACHE_DIRECTORY=/c"}, "/s", ""},
		"by the variables": {"", []string{"FAIRD_STORE_PATH=d"}, dir + "/d", dir + "/d/tensorrt"},
	} {
		put(t, path, c.text)
		got, err := Load(path, c.env)
		if err != nil {
			t.Fatal(err)
		}
		if got.Store.Path != c.store || got.Infer.TensorRT.EngineCache != c.cache {
			t.Errorf("%s: got %s and %s, want %s and %s", name, got.Store.Path, got.Infer.TensorRT.EngineCache, c.store, c.cache)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "faird.yaml"), "mqtt: {username: a, password_file: secret}\n"+oneStation)
	for text, want := range map[string]string{
		"plain": "plain", "line\n": "line", "windows\r\n": "windows", " inner \n\n": " inner \n",
	} {
		put(t, filepath.Join(dir, "secret"), text)
		c, err := Load(path, nil)
		if err != nil || string(c.MQTT.Password) != want || len(c.Warnings()) != 0 {
			t.Errorf("%q: got %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "\n"} {
		put(t, filepath.Join(dir, "secret"), text)
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "mqtt.password_file: "+dir+"/secret: empty; put the password into") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestSecretsThatEveryoneCanReadAreWarnedOf(t *testing.T) {
	dir := t.TempDir()
	secret := put(t, filepath.Join(dir, "secret"), "x")
	path := put(t, filepath.Join(dir, "faird.yaml"),
		"mqtt:\n  username: a\n  password_file: secret\n  builtin: {users: [{name: plc, password: yyyyyyyyyy}]}\n"+oneStation)
	for _, file := range []string{secret, path} {
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := path + ":3: mqtt.password_file: " + secret + " holds a secret and can be read by every user; chmod o-r it\n" +
		path + ":4: mqtt.builtin.users.plc.password: " + path + " holds a secret and can be read by every user; chmod o-r it"
	if got := strings.Join(c.Warnings(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	before := Places
	defer func() { Places = before }()
	system := filepath.Join(t.TempDir(), "faird.yaml")
	Places = []string{"faird.yaml", system}
	if _, err := Find(); err == nil || err.Error() != "no config file: neither ./faird.yaml nor "+system+" exists; give one with --config" {
		t.Errorf("got %v", err)
	}
	put(t, system, "")
	if got, err := Find(); got != system || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	put(t, "faird.yaml", "")
	if got, err := Find(); got != "faird.yaml" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}
