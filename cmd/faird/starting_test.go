package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// While models load the page is served and says so, and the box is not ready.
// What loads here is ONNX Runtime, held up until the test has looked.
func TestThePageIsThereWhileModelsLoad(t *testing.T) {
	dir := t.TempDir()
	slow, gate := slowLibrary(t, dir)
	path := write(t, dir, "faird.yaml", fmt.Sprintf(`
site: plant1
box: edge7
log: {format: json}
store: {path: data}
mqtt: {builtin: {listen: "127.0.0.1:%d"}}
stations:
  - {name: cap, model: demo, camera: {url: "demo://?seed=7&rate=4", open_timeout: 180s, read_timeout: 60s}, roi: {x: 64, y: 112, w: 480, h: 470}}
`, freePort(t)))
	p := start(t, dir, []string{useLibrary + slow}, "run", "--config", path)
	url := addressOf(t, p)
	until(t, 4*time.Minute, "a station on its way", func() bool { return strings.Contains(fetch(t, url+"api/state"), `"starting":true`) })
	if ready := fetch(t, url+"readyz"); !strings.Contains(ready, "station cap: being started") {
		t.Errorf("readyz: %s", ready)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, 4*time.Minute, "the box to be ready", func() bool { return strings.Contains(fetch(t, url+"readyz"), `"ready":true`) })
	if state := fetch(t, url+"api/state"); strings.Contains(state, `"starting":true`) {
		t.Errorf("ready and starting: %s", state)
	}
}

// slowLibrary is ONNX Runtime that takes until the file gate is there to load.
func slowLibrary(t *testing.T, dir string) (path, gate string) {
	t.Helper()
	path, gate = filepath.Join(dir, "libslow.so"), filepath.Join(dir, "gate")
	source := write(t, dir, "slow.c", fmt.Sprintf(`
#include <unistd.h>
__attribute__((constructor)) static void hold(void) {
	for (int n = 0; n < 60000 && access(%q, F_OK) != 0; n++) usleep(10000);
}`, gate))
	whole := library(t)
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-Wl,-rpath,"+filepath.Dir(whole), "-o", path, source, whole)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path, gate
}
