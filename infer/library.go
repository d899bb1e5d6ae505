package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// MinVersion is the oldest ONNX Runtime that serves this program.
const MinVersion = "1.24"

// LibraryEnv names a library to load where nothing else names one; for the
// daemon it is the config key infer.library.
const LibraryEnv = "FAIRD_INFER_LIBRARY"

const libraryName = "libonnxruntime.so.1"

// telemetryOff keeps Microsoft's builds of ONNX Runtime from running a shell for the
// machine's name, keeping a database below the home folder, and sending usage data.
const telemetryOff = "ORT_DISABLE_TELEMETRY"

// loaded is the process's one library: ONNX Runtime keeps global state, so it
// is loaded once and never unloaded.
var loaded struct {
	sync.Mutex
	path, version string
}

// Library is where ONNX Runtime was loaded from and its version.
type Library struct{ Path, Version string }

// Load loads ONNX Runtime, once for the process. path names the library file;
// with "" it is looked for in LibraryEnv, where `make deps` puts it, then in
// the system. A failed load can be tried again.
func Load(path string) (Library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.version != "" {
		if path != "" && !sameFile(path, loaded.path) {
			return Library{}, fmt.Errorf("library %s: ONNX Runtime is already loaded from %s; restart to change it", path, loaded.path)
		}
		return Library{loaded.path, loaded.version}, nil
	}
	path, err := locate(path)
	if err != nil {
		return Library{}, err
	}
	version, err := initialise(path)
	if err != nil {
		return Library{}, fmt.Errorf("library %s: %w", path, err)
	}
	loaded.path, loaded.version = path, version
	return Library{path, version}, nil
}

// initialise checks the version before onnxruntime_go touches the library,
// which says of an old one no more than "error setting ORT API base".
func initialise(path string) (string, error) {
	l, err := openLibrary(path)
	if err != nil {
		return "", fmt.Errorf("not an ONNX Runtime library for this machine (%s): run make deps, or name another in infer.library: %w", runtime.GOARCH, err)
	}
	if !enough(l.version, MinVersion) {
		l.close()
		return "", fmt.Errorf("it is ONNX Runtime %s; %s or newer is needed: run make deps, or name another in infer.library", l.version, MinVersion)
	}
	if err := l.bind(); err != nil {
		l.close()
		return "", err
	}
	if err := os.Setenv(telemetryOff, "1"); err != nil {
		l.close()
		return "", err
	}
	ort.SetSharedLibraryPath(path)
	// Failures come back as errors; what the runtime prints on stderr beside
	// them would only say them twice.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		l.close()
		return "", err
	}
	return l.version, nil
}

// locate finds the file to load.
func locate(path string) (string, error) {
	if path == "" {
		path = os.Getenv(LibraryEnv)
	}
	if path != "" {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("library %s: no such file: set infer.library to where libonnxruntime lies, or leave it empty and run make deps", path)
		case err != nil:
			return "", fmt.Errorf("library %s: %w", path, err)
		case !info.Mode().IsRegular():
			return "", fmt.Errorf("library %s: not a file: name the library itself, such as %s", path, filepath.Join(path, libraryName))
		}
		return path, nil
	}
	candidates := candidates()
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && info.Mode().IsRegular() {
			return c, nil
		}
	}
	return "", fmt.Errorf("no ONNX Runtime library found: run make deps, or set infer.library to where libonnxruntime lies (looked for %s)",
		strings.Join(candidates, ", "))
}

// candidates lists the places in which the library is looked for, in order.
func candidates() []string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		places = append(places,
			filepath.Join(dir, "..", ".deps", "lib", libraryName),
			filepath.Join(dir, "..", "lib", "faird", libraryName))
		if root := moduleRoot(exe); root != "" {
			places = append(places, filepath.Join(root, ".deps", "lib", libraryName))
		}
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	for _, dir := range []string{"/usr/local/lib", filepath.Join("/usr/lib", triplet), "/usr/lib", "/usr/lib64", "/opt/onnxruntime/lib"} {
		places = append(places, filepath.Join(dir, libraryName), filepath.Join(dir, "libonnxruntime.so"))
	}
	return places
}

// moduleRoot is the source tree a `go test` or `go run` binary was built in,
// found from the working folder; "" for an installed program, which must never
// load a library because of where it was started.
func moduleRoot(exe string) string {
	if !strings.HasSuffix(exe, ".test") && !strings.Contains(exe, "go-build") {
		return ""
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// enough compares the first two numbers of two versions.
func enough(found, needed string) bool {
	f, n := majorMinor(found), majorMinor(needed)
	return f[0] > n[0] || f[0] == n[0] && f[1] >= n[1]
}

func majorMinor(version string) (v [2]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < 2 {
			v[i], _ = strconv.Atoi(part)
		}
	}
	return v
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
