package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"faird/config"
	"faird/store"

	"github.com/rs/zerolog"
)

// of is a Doctor of a config as text, for which no program of the system runs.
func of(t *testing.T, text string) *Doctor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faird.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := New(Options{Config: path, Version: "test"})
	if d.problem != nil {
		t.Fatal(d.problem)
	}
	d.command = func(_ context.Context, name string, _ ...string) (string, error) {
		return "", errors.New(name + ": not in this test")
	}
	return d
}

// says holds that one of the findings has the status and the words, and that
// whatever is not well comes with advice.
func says(t *testing.T, list []Finding, status, words string) {
	t.Helper()
	found := false
	for _, f := range list {
		found = found || f.Status == status && strings.Contains(f.Finding, words)
		if f.Status != LevelOK && f.Advice == "" {
			t.Errorf("no advice on %+v", f)
		}
	}
	if !found {
		t.Errorf("none is %s with %q: %+v", status, words, list)
	}
}

func TestLibraries(t *testing.T) {
	d := of(t, "infer: {provider: cpu}\nstations: [{name: a, model: demo, camera: {url: 'demo://'}}, {name: b, model: gone.onnx, camera: {url: 'demo://'}}]")
	says(t, d.checkOpenCV(t.Context()), LevelOK, "cameras by")
	says(t, d.checkRuntime(t.Context()), LevelOK, "provider cpu runs")
	if m := d.models(); len(m) != 2 || m[0] != "demo" {
		t.Errorf("models %v", m)
	}
	says(t, d.checkModel(t.Context(), "demo"), LevelOK, "golden samples as they should be")
	says(t, d.checkModel(t.Context(), d.models()[1]), LevelFail, "no such file")
	damaged := filepath.Join(t.TempDir(), "damaged.onnx")
	if err := os.WriteFile(damaged, []byte("\x08\x08 not a network"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, d.checkModel(t.Context(), damaged), LevelFail, "damaged")
	d = of(t, "infer: {library: /nowhere/libonnxruntime.so}")
	says(t, d.checkRuntime(t.Context()), LevelFail, "onnxruntime")
}

func TestGPU(t *testing.T) {
	d := of(t, "infer: {provider: cuda}")
	if !hasGPU(nvidiaVersion) {
		says(t, d.checkGPU(t.Context()), LevelFail, "infer.provider is cuda")
		says(t, of(t, "").checkGPU(t.Context()), LevelOK, "no NVIDIA GPU")
	}
	d.command = func(context.Context, string, ...string) (string, error) {
		return "H200, 570.1, 143771 MiB, 30, 70 W\n", nil
	}
	says(t, d.checkGPU(t.Context()), LevelOK, "H200")
}

func TestDisk(t *testing.T) {
	folder := t.TempDir()
	d := of(t, "store: {path: "+folder+"}\narchive: {max_bytes: 1MB, min_free: 1MB}")
	list := d.checkDisk(t.Context())
	says(t, list, LevelOK, "free of")
	for _, f := range list {
		if f.Status == LevelFail {
			t.Errorf("%+v", f)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	says(t, d.checkDisk(t.Context()), LevelWarn, "every user")
	says(t, of(t, "store: {path: "+folder+"}\narchive: {max_bytes: 100000TB}").checkDisk(t.Context()), LevelWarn, "more than the disk has")
	says(t, of(t, "store: {path: "+folder+"/none}").checkDisk(t.Context()), LevelWarn, "not there yet")
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, of(t, "store: {path: "+file+"}").checkDisk(t.Context()), LevelFail, "not a folder")
}

func TestRunningDaemon(t *testing.T) {
	folder := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := of(t, "store: {path: "+folder+"}\nweb: {listen: '"+l.Addr().String()+"'}\nmqtt: {builtin: {listen: '"+l.Addr().String()+"'}}\n"+
		"stations: [{name: a, model: demo, camera: {url: 'demo://'}, trigger: {mode: mqtt}}]")
	says(t, d.checkBroker(t.Context()), LevelFail, "taken by another program")
	says(t, d.checkBroker(t.Context()), LevelWarn, "no user may write")
	says(t, d.checkWeb(t.Context()), LevelFail, "taken by another program")
	s, err := store.Open(config.Store{Path: folder}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !d.running() {
		t.Fatal("a store in use is not seen")
	}
	says(t, d.checkBroker(t.Context()), LevelFail, "the daemon runs, and no client is answered: no answer within 5s")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte{0x20, 2, 0, 5}) // CONNACK: not authorized
			c.Close()
		}
	}()
	says(t, d.checkBroker(t.Context()), LevelOK, "it answers in")
	l.Close()
	says(t, d.checkWeb(t.Context()), LevelFail, "does not answer")
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		state, status int
		err           error
		level, words  string
	}{
		{unix.TIME_OK, 0, nil, LevelOK, "synchronised"},
		{unix.TIME_ERROR, 0, nil, LevelWarn, "nothing synchronises"},
		{unix.TIME_OK, unix.STA_UNSYNC, nil, LevelWarn, "nothing synchronises"},
		{0, 0, unix.EPERM, LevelWarn, "does not say"},
	} {
		f := synchronised(func(x *unix.Timex) (int, error) { x.Status = int32(c.status); return c.state, c.err })
		says(t, []Finding{f}, c.level, c.words)
	}
	if moved := clockMoves(t.Context(), 10*time.Millisecond); moved.Abs() > time.Minute {
		t.Errorf("the clock moved by %v", moved)
	}
}

const unitFile = `LoadState=loaded
ActiveState=active
SubState=running
User=faird
WatchdogUSec=10s
NRestarts=0
FragmentPath=/usr/lib/systemd/system/faird.service
UnitFileState=enabled
NeedDaemonReload=no
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
DevicePolicy=closed
CapabilityBoundingSet=
`

func TestUnit(t *testing.T) {
	t.Setenv("INVOCATION_ID", "")
	d := of(t, "")
	says(t, d.checkUnit(t.Context()), LevelWarn, "systemd does not run here")
	for _, c := range []struct{ from, to, level, words string }{
		{"", "", LevelOK, "as it was shipped"},
		{"", "", LevelOK, "waits 10s"},
		{"WatchdogUSec=10s", "WatchdogUSec=1min 30s", LevelOK, "1m30s"},
		{"WatchdogUSec=10s", "WatchdogUSec=0", LevelWarn, "no watchdog"},
		{"WatchdogUSec=10s", "WatchdogUSec=infinity", LevelWarn, "no watchdog"},
		{"User=faird", "User=", LevelWarn, "as root"},
		{"ProtectSystem=strict", "ProtectSystem=no", LevelWarn, "ProtectSystem=no (writing to the system)"},
		{"NRestarts=0", "NRestarts=7", LevelWarn, "7 restart"},
		{"ActiveState=active", "ActiveState=failed", LevelFail, "failed"},
		{"ActiveState=active", "ActiveState=inactive", LevelWarn, "inactive"},
		{"NeedDaemonReload=no", "NeedDaemonReload=yes", LevelWarn, "has changed"},
		{"LoadState=loaded", "LoadState=not-found", LevelWarn, "no unit"},
	} {
		d.command = func(context.Context, string, ...string) (string, error) {
			return strings.Replace(unitFile, c.from, c.to, 1), nil
		}
		says(t, d.checkUnit(t.Context()), c.level, c.words)
	}
}

func TestExecute(t *testing.T) {
	if out, err := execute(t.Context(), "sh", "-c", "echo hello"); err != nil || out != "hello\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := execute(t.Context(), "sh", "-c", "echo bad luck >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "bad luck") {
		t.Error(err)
	}
	if _, err := execute(t.Context(), "no-such-program-as-this"); !notInstalled(err) {
		t.Error(err)
	}
}
