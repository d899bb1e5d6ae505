package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"faird/inspect"
	"faird/verdict"
)

// operator is somebody at the page.
type operator struct {
	t      *testing.T
	url    string
	client *http.Client
	csrf   string
}

// logIn logs in at the page that a faird says it serves.
func logIn(t *testing.T, url, user, password string) *operator {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{t: t, url: url, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	t.Cleanup(o.client.CloseIdleConnections)
	var session struct{ Role, CSRF string }
	o.json("POST", "/api/login", map[string]string{"user": user, "password": password}, &session)
	o.csrf = session.CSRF
	return o
}

// ask gives the status and the body of an answer.
func (o *operator) ask(method, path string, in any) (int, []byte) {
	o.t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, strings.TrimSuffix(o.url, "/")+path, bytes.NewReader(text))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CSRF-Token", o.csrf)
	resp, err := o.client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func (o *operator) json(method, path string, in, out any) {
	o.t.Helper()
	status, body := o.ask(method, path, in)
	if status != http.StatusOK {
		o.t.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		o.t.Fatalf("%s %s: %v in %s", method, path, err, body)
	}
}

// history of the page, newest first.
func (o *operator) history(query string) []historyItem {
	o.t.Helper()
	var page struct{ Items []historyItem }
	o.json("GET", "/api/history?"+query, nil, &page)
	return page.Items
}

type historyItem struct {
	ID      string
	Verdict verdict.Kind
}

var servedAt = regexp.MustCompile(`"url":"(http[^"]+)"`)

// addressOf waits for the page's address in the log.
func addressOf(t *testing.T, p *process) (url string) {
	t.Helper()
	until(t, 4*time.Minute, "the page", func() bool {
		m := servedAt.FindStringSubmatch(p.errs.String())
		if m != nil {
			url = m[1]
		}
		return m != nil
	})
	return url
}

// pageOf waits for the page and for its stations.
func pageOf(t *testing.T, p *process) string {
	t.Helper()
	url := addressOf(t, p)
	until(t, 4*time.Minute, "the stations", func() bool { return !strings.Contains(fetch(t, url+"api/state"), `"starting":true`) })
	return url
}

// fetch is what an address answers somebody who is not logged in.
func fetch(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// withPassword runs faird with a password on its standard input.
func withPassword(t *testing.T, dir, password string, args ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(password+"\n")
	cmd.Env = append(os.Environ(), asFaird+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("faird %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// TestOperatorsWay is what an operator does: logs in, looks at a fail, says that
// the part was good, moves the threshold after seeing what that changes, and
// takes the marked pictures to faird eval. The threshold holds over a restart.
func TestOperatorsWay(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	path := write(t, dir, "faird.yaml", fmt.Sprintf(`
site: plant1
box: edge7
log: {format: json}
store: {path: data}
archive: {sample: 1, min_free: 0B}
mqtt: {builtin: {listen: "127.0.0.1:%d"}}
stations:
  - name: cap
    camera: {url: "demo://?seed=7&rate=4&defects=0"}
    model: demo
    threshold: 0.001
    roi: {x: 64, y: 112, w: 480, h: 470}
`, port))
	withPassword(t, dir, "correct horse battery", "user", "add", "anna", "--role", "operator")
	p := start(t, dir, nil, "run", "--config", path)
	o := logIn(t, pageOf(t, p), "anna", "correct horse battery")
	until(t, 4*time.Minute, "fails with pictures", func() bool { return len(o.history("verdict=fail&pictures=true")) >= 3 })
	for _, item := range o.history("verdict=fail&pictures=true&limit=3") {
		var mark struct{ Truth string }
		if o.json("PUT", "/api/verdicts/"+item.ID+"/mark", map[string]string{"mark": "wrong"}, &mark); mark.Truth != "good" {
			t.Errorf("marked as %s", mark.Truth)
		}
	}
	var review struct {
		FalseReject struct{ Count, Of int } `json:"false_reject"`
	}
	if o.json("GET", "/api/review", nil, &review); review.FalseReject.Count != 3 || review.FalseReject.Of != 3 {
		t.Errorf("review %+v", review)
	}

	var preview struct{ Considered, Flips int }
	if o.json("GET", "/api/stations/cap/threshold/preview?threshold=0.9", nil, &preview); preview.Flips < 3 || preview.Flips != preview.Considered {
		t.Errorf("preview %+v", preview)
	}
	var limits struct{ From, Who string }
	if o.json("PUT", "/api/stations/cap/threshold", map[string]any{"threshold": 0.9}, &limits); limits.From != "override" || limits.Who != "anna" {
		t.Errorf("threshold %+v", limits)
	}
	until(t, 4*time.Minute, "passes under the new threshold", func() bool { return o.history("limit=1")[0].Verdict == verdict.Pass })

	good := unzipped(t, o)
	files, err := filepath.Glob(filepath.Join(good, "good", "*.png"))
	if err != nil || len(files) != 3 {
		t.Fatalf("exported %q, %v", files, err)
	}
	if p, err := inspect.ReadPicture(files[0], 0); err != nil || p.Cols() != 480 || p.Rows() != 470 {
		t.Errorf("exported is not what the model sees, but %dx%d, %v", p.Cols(), p.Rows(), err)
	} else {
		_ = p.Close()
	}
	code, out, errs := run(t, dir, "eval", "--model", "demo", "--data", good, "--json")
	if code != 0 || !strings.Contains(out, `"good": 3`) {
		t.Errorf("faird eval: %d %s %s", code, out, errs)
	}

	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	replayAgain(t, filepath.Join(dir, "data", "pictures"))
	p = start(t, dir, nil, "run", "--config", path)
	o = logIn(t, pageOf(t, p), "anna", "correct horse battery")
	if o.json("GET", "/api/stations/cap/threshold", nil, &limits); limits.From != "override" || limits.Who != "anna" {
		t.Errorf("threshold after a restart: %+v", limits)
	}
	if got := len(o.history("marked=yes")); got != 3 {
		t.Errorf("%d marks after a restart", got)
	}
	if status, _ := o.ask("GET", "/api/audit", nil); status != http.StatusForbidden {
		t.Errorf("the audit log for an operator: %d", status)
	}
}

// replayAgain judges the pictures that were kept, good ones of which the first
// failed, by the same model: at its own threshold the fails flip, and without
// judging anything they flip under a high one.
func replayAgain(t *testing.T, archive string) {
	t.Helper()
	for _, more := range [][]string{{"--model", "demo", "--threshold", "0.9"}, {"--threshold", "0.9"}} {
		code, out, errs := run(t, t.TempDir(), append([]string{"replay", "--archive", archive, "--json"}, more...)...)
		var r replayed
		if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil {
			t.Fatalf("faird replay %v: %d, %v: %s", more, code, err, errs)
		}
		if r.Pictures < 4 || r.Flips < 3 || r.Flips != r.Then[verdict.Fail] || r.Now[verdict.Fail] != 0 {
			t.Errorf("faird replay %v: %+v", more, r)
		}
		// The same picture, without loss: the same score.
		if f := r.Flipped[0]; math.Abs(*f.Score-*f.NewScore) > 1e-6 || f.Verdict != verdict.Fail || f.WouldBe != verdict.Pass {
			t.Errorf("faird replay %v: %+v", more, f)
		}
	}
	for args, code := range map[string]int{"replay": 2, "replay --archive x": 2, "replay --archive x --threshold -1": 2, "replay --archive none --threshold 1": 1} {
		if got, _, errs := run(t, t.TempDir(), strings.Fields(args)...); got != code || errs == "" {
			t.Errorf("faird %s: exit code %d, want %d: %s", args, got, code, errs)
		}
	}
}

// unzipped is the folder of an export.
func unzipped(t *testing.T, o *operator) string {
	t.Helper()
	status, body := o.ask("GET", "/api/review/export", nil)
	if status != http.StatusOK {
		t.Fatalf("export: %d %s", status, body)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "marked"), z); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "marked")
}

func TestUserAndTokenCommands(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "faird.yaml", "store: {path: data}\n")
	withPassword(t, dir, "correct horse battery", "user", "add", "anna", "--role", "admin")
	code, secret, errs := run(t, dir, "token", "add", "prometheus", "--from", "10.1.2.3", "--for", "24h")
	if code != 0 || !strings.HasPrefix(secret, "faird_") {
		t.Errorf("token add: %d %q %q", code, secret, errs)
	}
	code, out, _ := run(t, dir, "user", "list")
	if code != 0 || !strings.Contains(out, "anna") || !strings.Contains(out, "admin") || !strings.Contains(out, "10.1.2.3/32") || strings.Contains(out, strings.TrimSpace(secret)) {
		t.Errorf("list: %d %q", code, out)
	}
	for _, c := range []struct {
		args string
		code int
	}{
		{"token remove prometheus", 0},
		{"token remove prometheus", 1},
		{"user remove anna", 0},
		{"user remove anna", 1},
		{"user add otto --role root", 2},
		{"user add", 2},
		{"token add x --from nowhere", 1},
	} {
		if code, _, errs := run(t, dir, strings.Fields(c.args)...); code != c.code || code != 0 && errs == "" {
			t.Errorf("faird %s: exit code %d, want %d: %s", c.args, code, c.code, errs)
		}
	}
}
