package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/pipeline/vetting"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// useLibrary, with a path, has a daemon load another ONNX Runtime.
const useLibrary = "FAIRD_INFER_LIBRARY="

// slowGrey is the grey of models that load for as long as a slowRuntime's test
// wants.
const slowGrey = 0.71875

// slowRuntime is ONNX Runtime, but for models of the grey slowGrey: these it does
// not open while the file hold is there, which it makes read-only when it has to
// wait.
type slowRuntime struct {
	t          *testing.T
	path, hold string
}

// newSlowRuntime holds the daemon itself up.
func newSlowRuntime(t *testing.T) *slowRuntime { t.Helper(); return slowRuntimeOf(t, 0) }

// newSlowVetting holds the process up that examines a model.
func newSlowVetting(t *testing.T) *slowRuntime { t.Helper(); return slowRuntimeOf(t, 1) }

func slowRuntimeOf(t *testing.T, vettingOnly int) *slowRuntime {
	t.Helper()
	dir := t.TempDir()
	r := &slowRuntime{t: t, path: filepath.Join(dir, "libslow.so"), hold: filepath.Join(dir, "hold")}
	source := write(t, dir, "slow.c", fmt.Sprintf(`
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "onnxruntime_c_api.h"

static OrtApiBase base;
static const OrtApiBase* whole;
static const OrtApi* real;
static OrtApi api;

static OrtStatus* ORT_API_CALL open_model(const OrtEnv* env, const void* model, size_t size,
                                          const OrtSessionOptions* options, OrtSession** out) {
	float grey[16];
	for (int i = 0; i < 16; i++) grey[i] = %gf;
	int vetting = strcmp(program_invocation_short_name, %q) == 0;
	if (vetting == %d && memmem(model, size, grey, sizeof grey) != NULL) {
		const char *hold = %q;
		for (int n = 0; n < 60000 && access(hold, F_OK) == 0; n++) {
			chmod(hold, 0400);
			usleep(10000);
		}
	}
	return real->CreateSessionFromArray(env, model, size, options, out);
}

static const OrtApi* ORT_API_CALL get_api(uint32_t version) {
	real = whole->GetApi(version);
	if (real == NULL) return NULL;
	memcpy(&api, real, sizeof api);
	api.CreateSessionFromArray = open_model;
	return &api;
}

const OrtApiBase* ORT_API_CALL OrtGetApiBase(void) {
	if (whole == NULL) {
		const OrtApiBase* (*get)(void) = dlsym(dlopen(%q, RTLD_NOW | RTLD_LOCAL), "OrtGetApiBase");
		whole = get();
		base.GetApi = get_api;
		base.GetVersionString = whole->GetVersionString;
	}
	return &base;
}
`, slowGrey, vetting.Name, vettingOnly, r.hold, library(t)))
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go")
	headers, err := list.Output()
	if err != nil {
		t.Fatalf("where ONNX Runtime's header lies: %v", err)
	}
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-I", strings.TrimSpace(string(headers)), "-o", r.path, source, "-ldl")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(t, dir, "hold", "")
	t.Cleanup(r.release)
	return r
}

// release lets models load from now on.
func (r *slowRuntime) release() { _ = os.Remove(r.hold) }

// waits waits until a model is held.
func (r *slowRuntime) waits() {
	r.t.Helper()
	until(r.t, 2*time.Minute, "a model that loads", func() bool {
		info, err := os.Stat(r.hold)
		return err == nil && info.Mode().Perm() == 0o400
	})
}

// triggeredTiny is a station with a model of 32 x 32 pixels that is triggered.
func triggeredTiny(name, model, pictures string) string {
	return fmt.Sprintf("  - {name: %s, camera: {url: 'file://%s?loop=true&rate=100'}, model: %s, threshold: 0.3, trigger: {mode: mqtt, deadline: 20s}}\n", name, pictures, model)
}

// asks sends a command and returns what waits for its answer.
func (p *plc) asks(station, id, command string) (answered func(limit time.Duration) map[string]any) {
	p.t.Helper()
	topic := strings.Replace(boxTop+"/"+station+"/command", "//", "/", 1)
	p.send(topic, fmt.Sprintf(`{"id":%q,%s}`, id, command))
	return func(limit time.Duration) map[string]any {
		p.t.Helper()
		var reply map[string]any
		until(p.t, limit, "an answer to "+command+" of "+station, func() bool {
			reply = nil
			return p.last(topic+"/reply", &reply) && reply["id"] == id
		})
		return reply
	}
}

// TestTheLineNeverWaitsForAModelToLoad is a box of which one station loads a model
// for as long as the test lasts: the other answers twenty triggers a second, takes
// another model and another config, and every command is carried out meanwhile.
func TestTheLineNeverWaitsForAModelToLoad(t *testing.T) {
	slow, broker, dir, pictures := newSlowRuntime(t), mosquitto.New(t), t.TempDir(), smallPictures(t)
	t.Parallel()
	plc := connect(t, broker.URL())
	model, other := tinyModel(t, 0.5), tinyModel(t, 0.25)
	text := configText(t, broker.URL(), triggeredTiny("cap", model, pictures), triggeredTiny("lid", model, pictures))
	p := start(t, dir, []string{useLibrary + slow.path}, "run", "--config", write(t, dir, "faird.yaml", text))
	for _, name := range []string{"cap", "lid"} {
		plc.stateOf(boxTop+"/"+name+"/state", 2*time.Minute, "ready", ready)
	}
	loading := plc.asks("lid", "slow", fmt.Sprintf(`"command":"model","model":%q`, tinyModel(t, slowGrey)))
	slow.waits()

	for n := range 40 {
		next := time.After(50 * time.Millisecond)
		plc.send(cap0+"/trigger", fmt.Sprintf(`{"id":"t-%d"}`, n))
		until(t, time.Minute, "an answer", func() bool { return len(plc.verdicts("cap")) == n+1 })
		<-next
	}
	for _, v := range plc.verdicts("cap") {
		if v.Verdict == verdict.NoRead {
			t.Errorf("%s: %s %s", v.Trigger.ID, v.Reason, v.Detail)
		}
	}
	for n, c := range []struct{ station, command string }{
		{"cap", `"command":"pause"`},
		{"cap", `"command":"resume"`},
		{"cap", `"command":"save","count":1`},
		{"cap", `"command":"threshold","threshold":0.4`},
		{"cap", `"command":"threshold","threshold":null`},
		{"lid", `"command":"pause"`},
		{"", `"command":"pause"`},
		{"cap", fmt.Sprintf(`"command":"model","model":%q`, other)},
		{"cap", `"command":"resume"`},
	} {
		if r := plc.asks(c.station, fmt.Sprint("c", n), c.command)(time.Minute); r["ok"] != true {
			t.Errorf("%s of %s: %v", c.command, c.station, r)
		}
	}
	write(t, dir, "faird.yaml", strings.Replace(text, "threshold: 0.3", "threshold: 0.35", 1))
	plc.stateOf(cap0+"/state", time.Minute, "the new config's threshold", func(s map[string]any) bool { return s["threshold"] == 0.35 })
	before := len(plc.verdicts("cap"))
	plc.send(cap0+"/trigger", `{"id":"last"}`)
	until(t, time.Minute, "an answer after all that", func() bool { return len(plc.verdicts("cap")) > before })

	if _, err := os.Stat(slow.hold); err != nil {
		t.Fatal("the model was not held")
	}
	slow.release()
	if r := loading(time.Minute); r["ok"] != true {
		t.Errorf("the slow model: %v", r)
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
