package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unit copies the unit file with a program that is there: the daemon is not
// installed where tests run.
func unit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("faird.service")
	if err != nil {
		t.Fatal(err)
	}
	const program = "/usr/bin/faird"
	if !strings.Contains(string(text), "ExecStart="+program+" run ") {
		t.Fatalf("faird.service does not start %s", program)
	}
	path := filepath.Join(t.TempDir(), "faird.service")
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), program, "/bin/true", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnitFileIsRight(t *testing.T) {
	for _, args := range [][]string{
		{"verify"},
		{"security", "--offline=true", "--no-pager", "--threshold=15"}, // exposure of 1.5 of 10
	} {
		t.Run(args[0], func(t *testing.T) {
			out, err := exec.Command("systemd-analyze", append(args, unit(t))...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			// verify exits 0 on keys that systemd does not know, and names them.
			if args[0] == "verify" && strings.Contains(string(out), "faird.service") {
				t.Errorf("systemd-analyze:\n%s", out)
			}
		})
	}
}

// TestCrashLoopEnds holds that a daemon which dies at once, or is stuck at once,
// comes to its last start within the interval, and is then left failed.
func TestCrashLoopEnds(t *testing.T) {
	text, err := os.ReadFile("faird.service")
	if err != nil {
		t.Fatal(err)
	}
	value := func(key string) string {
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
				return v
			}
		}
		t.Fatalf("the unit has no %s", key)
		return ""
	}
	burst, err := strconv.Atoi(value("StartLimitBurst"))
	if err != nil {
		t.Fatal(err)
	}
	span := func(key string) time.Duration {
		v := strings.Replace(value(key), "min", "m", 1)
		if strings.Trim(v, "0123456789") == "" {
			v += "s"
		}
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return d
	}
	if loop := time.Duration(burst) * (span("WatchdogSec") + span("RestartSec")); loop >= span("StartLimitIntervalSec") {
		t.Errorf("%d starts take %s, longer than the interval: a crash loop would never end", burst, loop)
	}
}

// TestDeathsAreRestarted holds that the unit starts the daemon anew after a panic
// and after the watchdog's abort: both end a Go program with a status of Go's own.
func TestDeathsAreRestarted(t *testing.T) {
	const how = "DIE"
	switch os.Getenv(how) {
	case "panic":
		go panic("as asked")
		select {}
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	}
	text, err := os.ReadFile("faird.service")
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "RestartPreventExitStatus="); ok {
			given = append(given, strings.Fields(v)...)
		}
	}
	if !strings.Contains(string(text), "\nRestart=on-failure\n") {
		t.Error("the unit does not restart on failure")
	}
	for _, death := range []string{"panic", "abort"} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), how+"="+death, "GOTRACEBACK=all")
		out, _ := cmd.CombinedOutput()
		status := cmd.ProcessState.ExitCode()
		if status <= 0 || !strings.Contains(string(out), "goroutine ") {
			t.Fatalf("%s: status %d, %s", death, status, out)
		}
		if slices.Contains(given, strconv.Itoa(status)) {
			t.Errorf("a daemon that ends by %s has status %d, after which the unit leaves it dead", death, status)
		}
	}
}

func TestVerifyFindsWrongKeys(t *testing.T) {
	path := unit(t)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n[Service]\nWatchdogSecs=10\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput()
	if err == nil && !strings.Contains(string(out), "WatchdogSecs") {
		t.Errorf("a wrong key passes: %s", out)
	}
}

func TestSysusersMakesTheUser(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("faird.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-sysusers", "--root="+root, file).CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for name, want := range map[string]string{"passwd": "\nfaird:x:", "group": ":faird\n"} {
		text, err := os.ReadFile(filepath.Join(root, "etc", name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("\n"+string(text), want) {
			t.Errorf("%s has no %q:\n%s", name, want, text)
		}
	}
}
