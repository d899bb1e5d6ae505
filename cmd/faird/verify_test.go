package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"faird/model/trust"
	"faird/publish/mosquitto"
)

// signatures make keys and sign files.
type signatures struct {
	t    *testing.T
	keys string // file
	key  minisign.PrivateKey
}

func newSignatures(t *testing.T) signatures {
	t.Helper()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return signatures{t, write(t, t.TempDir(), "minisign.pub", string(text)+"\n"), private}
}

func (s signatures) sign(path string) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+trust.Suffix, minisign.SignWithComments(s.key, data, "by the tests", ""), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	s, other := newSignatures(t), newSignatures(t)
	dir := t.TempDir()
	file := func(name string, sign func(string)) string {
		path := write(t, dir, name, "the package "+name)
		sign(path)
		return path
	}
	good := file("good", s.sign)
	tampered := file("tampered", func(path string) { s.sign(path); write(t, dir, "tampered", "another package") })
	keyed := write(t, dir, "keyed.yaml", "trust: {keys: "+s.keys+"}\nweb: {listen: ''}\n")
	plain := write(t, dir, "plain.yaml", "web: {listen: ''}\n")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"good":               {[]string{good, "--keys", s.keys}, 0, fmt.Sprintf("signed with key %016X (by the tests), sha256:", s.key.ID())},
		"by the config":      {[]string{good, "--config", keyed}, 0, "signed with key"},
		"as JSON":            {[]string{good, good, "--keys", s.keys, "--json"}, 0, `"comment":"by the tests"},{"file"`},
		"missing":            {[]string{file("missing", func(string) {}), "--keys", s.keys}, 1, "it is not signed"},
		"wrong":              {[]string{file("wrong", other.sign), "--keys", s.keys}, 1, "not one of the 1 that are trusted"},
		"tampered":           {[]string{tampered, "--keys", s.keys}, 1, "not what was signed"},
		"one of two is bad":  {[]string{good, tampered, "--keys", s.keys}, 1, "not what was signed"},
		"no file":            {[]string{filepath.Join(dir, "none"), "--keys", s.keys}, 1, "no such file"},
		"no keys":            {[]string{good, "--config", plain}, 2, "--keys minisign.pub"},
		"keys that are none": {[]string{good, "--keys", good}, 1, "public key"},
		"no argument":        {nil, 2, "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, dir, append([]string{"verify"}, c.args...)...)
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit code %d, want %d, to say %q:\n%s%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

// What minisign itself signs is trusted.
func TestVerifyMinisignsOwn(t *testing.T) {
	if _, err := exec.LookPath("minisign"); err != nil {
		t.Fatalf("%v: make test installs it", err)
	}
	dir := t.TempDir()
	file := write(t, dir, "m.onnx", "a model")
	for _, args := range [][]string{{"-G", "-W", "-p", "minisign.pub", "-s", "minisign.key"}, {"-S", "-s", "minisign.key", "-t", "line 3", "-m", file}} {
		c := exec.Command("minisign", args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
	}
	code, out, errs := run(t, dir, "verify", file, "--keys", filepath.Join(dir, "minisign.pub"))
	if code != 0 || !strings.Contains(out, "(line 3)") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// TestDaemonTrusts is a line whose models must be signed: one that is not takes
// no part, says why, and is taken once it is.
func TestDaemonTrusts(t *testing.T) {
	s, broker := newSignatures(t), mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	good, bad := tinyModel(t, 0.5), tinyModel(t, 0.4)
	s.sign(good)
	station := "  - {name: %s, camera: {url: 'file://%s?loop=true&rate=5'}, model: %s, threshold: 0.3}\n"
	pictures := smallPictures(t)
	text := "trust: {keys: " + s.keys + "}\n" + configText(t, broker.URL(), fmt.Sprintf(station, "cap", pictures, good), fmt.Sprintf(station, "lid", pictures, bad))
	path := write(t, dir, "faird.yaml", text)
	if code, out, errs := run(t, dir, "config", "check", "--models", "--config", path); code != 1 || !strings.Contains(errs, "station lid") || !strings.Contains(errs, "not signed") {
		t.Errorf("config check --models: exit code %d: %s%s", code, out, errs)
	}
	p := start(t, dir, nil, "run", "--config", path)
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)
	why := plc.stateOf(boxTop+"/lid/state", time.Minute, "not signed", func(s map[string]any) bool { return strings.Contains(s["why"].(string), "not signed") })
	if why["ready"] != false {
		t.Errorf("a station with a model that is not signed: %v", why)
	}

	write(t, dir, "faird.yaml", strings.Replace(text, "model: "+good, "model: "+bad, 1)) // a model that must not take over
	until(t, time.Minute, "the refusal in the log", func() bool { return strings.Contains(p.errs.String(), "the new config is not taken") })
	n := len(plc.verdicts("cap"))
	until(t, time.Minute, "verdicts go on", func() bool { return len(plc.verdicts("cap")) > n })

	s.sign(bad)
	write(t, dir, "faird.yaml", text+"# signed now\n")
	plc.stateOf(boxTop+"/lid/state", time.Minute, "ready", ready)
}
