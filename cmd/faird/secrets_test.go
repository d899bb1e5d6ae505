package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everySecret is a box with a secret in every place that takes one; the word
// SECRET is part of each.
func everySecret(t *testing.T, broker, page, camera string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "plc.pw", "\xef\xbb\xbffile SECRET\r\n")
	write(t, dir, "token", "token-SECRET\n")
	return write(t, dir, "faird.yaml", fmt.Sprintf(`site: plant1
box: edge7
infer: {library: %s, provider: cpu}
web: {listen: %q}
store: {path: data}
mqtt: {builtin: {listen: %q, users: [{name: viewer, password: "inline SECRET"}, {name: plc, password_file: plc.pw}]}}
stations:
- &s
  name: at
  model: demo
  trigger: {mode: interval, interval: 200ms, deadline: 300ms}
  camera: &c {url: "rtsp://admin:first@SECRET1@%[4]s/ch1", open_timeout: 1s, read_timeout: 1s}
- {<<: *s, name: query, camera: {<<: *c, url: "http://%[4]s/v.cgi?loginuse=admin&loginpas=SECRET2"}}
- {<<: *s, name: auth, camera: {<<: *c, url: "http://%[4]s/v.cgi?auth=SECRET3abc"}}
- {<<: *s, name: encoded, camera: {<<: *c, url: "rtsp://admin:a%%2Fb%%23SECRET4%%20x@%[4]s/1?transport=udp"}}
- {<<: *s, name: pipeline, camera: {<<: *c, url: 'gstreamer:rtspsrc location="rtsp://u:p@SECRET5@%[4]s/1" user-pw="TOP SECRET6" ! decodebin'}}
- {<<: *s, name: element, camera: {<<: *c, url: 'gstreamer:rtspsrc location=rtsp://u:x SECRET7@%[4]s/1 ! nosuchelement'}}
- {<<: *s, name: upload, trigger: {mode: free}, camera: {url: "upload://127.0.0.1:0/x?token=SECRET8"}}
- {<<: *s, name: file, trigger: {mode: free}, camera: {url: "upload://127.0.0.1:0/y?token_file=%[5]s/token"}}
`, library(t), page, broker, camera, dir))
}

// Nothing that leaves the box holds a secret: logs, states and verdicts, what
// the page answers, what commands print, the support bundle.
func TestNoSecretLeavesTheBox(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not with "+r.URL.String(), http.StatusUnauthorized)
	}))
	defer refuses.Close()
	broker, page := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	file := everySecret(t, broker, page, strings.TrimPrefix(refuses.URL, "http://"))
	dir := filepath.Dir(file)

	p := start(t, dir, []string{"FAIRD_LOG_LEVEL=debug", "FAIRD_WEB_LISTEN=" + page}, "run", "--config", file)
	url := "http://" + page + "/"
	until(t, 4*time.Minute, "the stations", func() bool {
		answer, err := http.Get(url + "api/state")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return strings.Count(string(text), `"reason":"camera_lost"`) >= 6
	})
	viewer := connect(t, "tcp://"+broker, login("viewer", "inline SECRET"))
	connect(t, "tcp://"+broker, login("plc", "file SECRET"))
	until(t, time.Minute, "verdicts", func() bool { return len(viewer.verdicts("at")) > 0 && len(viewer.verdicts("query")) > 0 })
	out := map[string]string{}
	for _, path := range []string{"", "readyz", "metrics", "api/state", "api/verdicts"} {
		out["/"+path] = fetch(t, url+path)
	}
	code, _ := p.stop()
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	out["log"] = p.errs.String() + p.out.String()
	for i, m := range viewer.messages {
		out[fmt.Sprintf("%d on %s", i, m.topic)] = string(m.payload)
	}
	commands(t, file, out)
	for name, text := range out {
		if i := strings.Index(text, "SECRET"); i >= 0 {
			t.Errorf("%s: …%s…", name, text[max(0, i-200):min(len(text), i+60)])
		}
	}
	for name, says := range map[string]string{
		"log": "rtsp://admin:******@" + strings.TrimPrefix(refuses.URL, "http://") + "/ch1", "config show": "loginuse=admin&loginpas=******",
		"/readyz": "station at: camera: ", "doctor": "camera query", "doctor --json": `"camera element"`, "journal.txt": "", "config.yaml": "******",
	} {
		if text, ok := out[name]; !ok || !strings.Contains(text, says) {
			t.Errorf("%s has no %q: %s", name, says, text)
		}
	}
}

// commands adds what commands print of the config.
func commands(t *testing.T, file string, out map[string]string) {
	t.Helper()
	dir := filepath.Dir(file)
	for name, args := range map[string][]string{
		"config show": {}, "config check": {}, "history": {}, "doctor": {"--station", "query", "--bundle", filepath.Join(dir, "bundle.tar.gz")}, "doctor --json": {"--no-cameras"},
	} {
		_, text, errs := run(t, dir, append(append(strings.Fields(name), "--config", file), args...)...)
		out[name] = text + errs
	}
	_, text, errs := run(t, dir, "doctor", "--json", "--config", file, "--station", "element")
	out["doctor --json"] += text + errs
	_, text, errs = run(t, dir, "collect", "--camera", "rtsp://u:a@SECRET@127.0.0.1:1/x", "--out", filepath.Join(dir, "pictures"))
	out["collect"] = text + errs
	bundle(t, filepath.Join(dir, "bundle.tar.gz"), out)
}

// bundle adds the files of a support bundle.
func bundle(t *testing.T, path string, out map[string]string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(h.Name)] = string(text)
	}
}

// A password that cannot stand in a URL as it is is not printed by what refuses
// it: neither config check, nor run, nor a reload.
func TestRefusedURLsHoldNoSecret(t *testing.T) {
	for i, camera := range []string{
		`rtsp://admin:TOP SECRET@cam/1`, `rtsp://admin:SECRET#x@cam/1`, `rtsp://admin:x/SECRET@cam/1`, `http://cam/?loginpas=TOP SECRET`, `admin:SECRET@cam`,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := write(t, dir, "faird.yaml", configText(t, "", fmt.Sprintf("  - {name: cap, model: demo, camera: {url: %q}}\n", camera)))
			for _, command := range []string{"config check", "config show", "run"} {
				code, out, errs := run(t, dir, append(strings.Fields(command), "--config", file)...)
				if code == 0 || strings.Contains(out+errs, "SECRET") || !strings.Contains(errs, "stations.cap.camera") {
					t.Errorf("%s: exit code %d: %s%s", command, code, out, errs)
				}
			}
		})
	}
}
