package infer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnough(t *testing.T) {
	for version, want := range map[string]bool{
		"1.24.0": true, "1.24": true, "1.29.0": true, "2.0.0": true, "1.24.0-rc1": true,
		"1.23.9": false, "1.9.0": false, "0.99": false, "": false, "nonsense": false,
	} {
		if enough(version, MinVersion) != want {
			t.Errorf("%q: %v", version, !want)
		}
	}
}

func TestLocateRefuses(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.so"): "no such file",
		dir:                              "not a file",
	} {
		_, err := locate(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Setenv(LibraryEnv, filepath.Join(dir, "fromenv.so"))
	if _, err := locate(""); err == nil || !strings.Contains(err.Error(), "fromenv.so") {
		t.Errorf("the environment's library: %v", err)
	}
}

func TestLocateFindsTheTreesOwn(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if moduleRoot(exe) == "" {
		t.Error("a test does not find its module's root")
	}
	if root := moduleRoot("/usr/bin/faird"); root != "" {
		t.Errorf("an installed program looks in %s", root)
	}
	places := strings.Join(candidates(), " ")
	for _, want := range []string{".deps/lib/libonnxruntime.so.1", "lib/faird/libonnxruntime.so.1", "/usr/lib/libonnxruntime.so.1"} {
		if !strings.Contains(places, want) {
			t.Errorf("%s is not among %s", want, places)
		}
	}
}

// TestInitialiseRefuses makes real shared libraries that are no ONNX Runtime,
// or an old one.
func TestInitialiseRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, path, want string }{
		{"text", text, "not an ONNX Runtime library"},
		{"another library", compile(t, "int other(void) { return 1; }"), "OrtGetApiBase"},
		{"an old version", compile(t, fakeRuntime("1.18.1")), "it is ONNX Runtime 1.18.1; 1.24 or newer is needed"},
		{"a version that lies", compile(t, fakeRuntime("1.30.0")), "does not serve version 24"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := initialise(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
}

func fakeRuntime(version string) string {
	return `static const void *api(unsigned v) { return 0; }
static const char *version(void) { return "` + version + `"; }
static struct { const void *(*a)(unsigned); const char *(*v)(void); } base = { api, version };
void *OrtGetApiBase(void) { return &base; }`
}

func compile(t *testing.T, source string) string {
	t.Helper()
	c := filepath.Join(t.TempDir(), "library.c")
	if err := os.WriteFile(c, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	so := strings.TrimSuffix(c, ".c") + ".so"
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", so, c).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v: %s", err, out)
	}
	return so
}
