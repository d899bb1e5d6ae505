package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// While models load every view says so, and goes on by itself once they have.
func TestStarting(t *testing.T) {
	slow, gate := slowLibrary(t)
	d := planned(t, 1, slow, "cap")
	d.launch()
	t.Cleanup(func() { _ = os.WriteFile(gate, nil, 0o600) }) // it ends at once even where the test has failed
	d.answers("/healthz", http.StatusOK)
	v := open(t, d, panel, "")
	v.says(".call .word", "starting")
	v.says(".fails .list", "none so far")
	v.says(".health", "once the model is loaded")
	v.shot("starting-panel")
	v.click("#nav a[href^='#/models']")
	v.says(".side", "the model is loading")
	v.click("#nav a[href='#/history']")
	v.says(".empty", "no verdicts yet")
	v.click("#nav a[href^='#/threshold']")
	v.says(".tune .now", "the model is loading")
	v.wait("document.querySelector('.tune input[type=range]').disabled")
	if v.holds("document.querySelector('.toast')") {
		t.Errorf("the page complains: %s", v.text(".toast"))
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v.says(".tune .now", "from the model")
	v.wait("!document.querySelector('.tune input[type=range]').disabled")
	v.click("#nav a[href='#/']")
	v.wait("['pass','fail','review'].some(k => document.querySelector('.call:not(.idle)')?.classList.contains(k))")
}

// slowLibrary is ONNX Runtime that takes until the file gate is there to load.
func slowLibrary(t *testing.T) (path, gate string) {
	t.Helper()
	dir := t.TempDir()
	path, gate = filepath.Join(dir, "libslow.so"), filepath.Join(dir, "gate")
	source, whole := filepath.Join(dir, "slow.c"), library(t)
	text := fmt.Sprintf(`
#include <unistd.h>
__attribute__((constructor)) static void hold(void) {
	for (int n = 0; n < 60000 && access(%q, F_OK) != 0; n++) usleep(10000);
}`, gate)
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-Wl,-rpath,"+filepath.Dir(whole), "-o", path, source, whole)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path, gate
}
