package doctor

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"faird/config"
	"faird/store"
	"faird/verdict"
	"faird/web/account"
)

// secrets are everywhere a secret can be; a word in the name says where.
type secrets struct {
	dir  string
	all  []string
	text string // of the config
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func plant(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{dir: t.TempDir()}
	secret := func(where string) string {
		text := `s3cr3t/` + where + `+&"` + ulid.Make().String()[16:]
		s.all = append(s.all, text)
		return text
	}
	simple := func(where string) string {
		text := "S3cr3t-" + where + ulid.Make().String()[16:]
		s.all = append(s.all, text)
		return text
	}
	cert, key := selfSigned(t, time.Hour)
	pem, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(pem)) {
		if !strings.HasPrefix(line, "---") {
			s.all = append(s.all, strings.TrimSpace(line))
		}
	}
	users := filepath.Join(s.dir, "users.json")
	hash, err := bcrypt.GenerateFromPassword([]byte("known to Anna alone"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s.all = append(s.all, string(hash))
	list, err := json.Marshal(map[string]any{"users": []account.User{{Name: "anna", Role: account.Admin, Hash: string(hash)}}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, users, string(list))
	token, err := account.Open(users).AddToken("scada", account.Viewer, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.all = append(s.all, token)
	t.Setenv("FAIRD_MQTT_PASSWORD", secret("environment"))
	t.Setenv("SOME_API_KEY", secret("other environment"))
	credentials := t.TempDir()
	put(t, filepath.Join(credentials, "upload"), secret("credential")+"\n")
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	s.text = fmt.Sprintf(`site: plant1
box: edge7
store: {path: %q}
infer: {provider: cpu}
web: {listen: '127.0.0.1:0', users: %q, tls: {cert: %q, key: %q}}
mqtt:
  broker: ssl://127.0.0.1:1
  username: box
  timeout: 10s
  tls: {ca: %q, cert: %q, key: %q}
  builtin: {users: [{name: plc, password: %q}, {name: scada, password_file: %q}]}
sparkplug: {enabled: true, broker: 'tcp://127.0.0.1:1', username: u, password_file: %q}
stations:
- {name: a, model: demo, camera: {url: "rtsp://user:%s@127.0.0.1:1/x"}}
- {name: b, model: demo, camera: {url: "upload://127.0.0.1:0/cap?token=%s"}}
- {name: c, model: demo, camera: {url: "upload://127.0.0.1:0/lid?token_file=%s"}}
`, s.dir, users, cert, key, cert, cert, key, simple("inline"), put(t, filepath.Join(s.dir, "scada.pw"), secret("password file")+"\n"),
		put(t, filepath.Join(s.dir, "sparkplug.pw"), secret("sparkplug file")), url.PathEscape(simple("camera")), url.QueryEscape(simple("upload")), put(t, filepath.Join(s.dir, "upload.token"), secret("token file")))
	return s
}

// journal is what a careless program could have logged.
func (s *secrets) journal() string {
	var b strings.Builder
	for _, text := range s.all {
		quoted, _ := json.Marshal(text)
		fmt.Fprintf(&b, "plain %s\njson {\"x\":%s}\nescaped %s and %s\nbasic %s\n", text, quoted, url.QueryEscape(text), url.PathEscape(text),
			base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return b.String()
}

// forms are how a secret could stand in the bundle.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	twice, _ := json.Marshal(string(quoted))
	return []string{
		secret, strings.Trim(string(quoted), `"`), strings.Trim(string(twice), `"\`), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
}

// unpacked is what the bundle holds, by name.
func unpacked(t *testing.T, path string) map[string]string {
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
	out := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(h.Name, "faird-doctor/")] = string(text)
	}
}

// decided puts a verdict into the history that names a secret.
func (s *secrets) decided(t *testing.T) string {
	t.Helper()
	db, err := store.Open(config.Store{Path: s.dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := verdict.Time{Time: time.Now()}
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: "a", Sequence: 1, Verdict: verdict.NoRead,
		Reason: verdict.CameraLost, Detail: "cannot open " + s.all[len(s.all)-1], Regions: []verdict.Region{}, Time: verdict.Times{Decided: now},
	}
	if _, err := db.Commit(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	return v.ID
}

func (s *secrets) clean(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		for _, secret := range s.all {
			for _, form := range forms(secret) {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%s holds %q: …%s…", name, form, text[max(0, at-40):at])
				}
			}
		}
	}
}

func TestBundleHoldsNoSecret(t *testing.T) {
	s := plant(t)
	id := s.decided(t)
	d := of(t, s.text)
	d.options.NoCameras = true
	d.command = func(_ context.Context, name string, _ ...string) (string, error) {
		return name + " said\n" + s.journal(), nil
	}
	r := d.Examine(t.Context())
	r.add(fail("a careless check says "+s.journal(), "nothing"))
	path := filepath.Join(t.TempDir(), "out.tar.gz")
	if err := d.Bundle(t.Context(), path, r); err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, path)
	s.clean(t, files)
	for name, holds := range map[string]string{
		"report.txt": "fail  mqtt", "report.json": `"status": "fail"`, "config.yaml": "plant1", "versions.txt": "faird test",
		"journal.txt": "journalctl said", "environment.txt": "FAIRD_MQTT_PASSWORD\n", "state.json": `"rows": 1`, "verdicts.jsonl": id, "system.txt": "/proc/version",
	} {
		if !strings.Contains(files[name], holds) {
			t.Errorf("%s has no %q: %s", name, holds, files[name])
		}
	}
	if !json.Valid([]byte(files["report.json"])) || !json.Valid([]byte(files["verdicts.jsonl"])) {
		t.Error("what was JSON is none any more")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// A config that cannot be loaded is read for its secrets all the same.
func TestBundleOfABrokenConfig(t *testing.T) {
	s := plant(t)
	path := put(t, filepath.Join(t.TempDir(), "faird.yaml"), s.text+"nonsense: true\n")
	d := New(Options{Config: path})
	if d.problem == nil {
		t.Fatal("the config is taken")
	}
	d.command = func(context.Context, string, ...string) (string, error) { return s.journal(), nil }
	out := filepath.Join(t.TempDir(), "out.tar.gz")
	if err := d.Bundle(t.Context(), out, d.Examine(t.Context())); err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, out)
	if !strings.Contains(files["report.txt"], "nonsense") {
		t.Errorf("the report does not say what is wrong: %s", files["report.txt"])
	}
	s.clean(t, files)
}
