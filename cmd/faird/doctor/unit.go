package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

const service = "faird.service"

// sandbox is what the unit is shipped with, as systemd shows it loaded, and
// what is open without it.
var sandbox = []struct{ key, want, opens string }{
	{"NoNewPrivileges", "yes", "programs that raise rights"},
	{"ProtectSystem", "strict", "writing to the system"},
	{"ProtectHome", "yes", "people's home folders"},
	{"PrivateTmp", "yes", "other programs' temporary files"},
	{"ProtectKernelTunables", "yes", "the kernel's settings"},
	{"ProtectKernelModules", "yes", "loading of modules"},
	{"ProtectControlGroups", "yes", "control groups"},
	{"RestrictNamespaces", "yes", "name spaces of its own"},
	{"RestrictSUIDSGID", "yes", "files with another's rights"},
	{"DevicePolicy", "closed", "every device"},
	{"CapabilityBoundingSet", "", "capabilities"},
}

// checkUnit looks at the service as systemd has it loaded.
func (d *Doctor) checkUnit(ctx context.Context) []Finding {
	if os.Getenv("INVOCATION_ID") != "" && os.Getenv("NOTIFY_SOCKET") != "" {
		return append([]Finding{ok("this process itself runs under systemd")}, d.loadedUnit(ctx)...)
	}
	return d.loadedUnit(ctx)
}

func (d *Doctor) loadedUnit(ctx context.Context) []Finding {
	keys := []string{"LoadState", "ActiveState", "SubState", "User", "WatchdogUSec", "NRestarts", "Result", "FragmentPath", "DropInPaths", "UnitFileState", "NeedDaemonReload"}
	for _, s := range sandbox {
		keys = append(keys, s.key)
	}
	out, err := d.command(ctx, "systemctl", "show", service, "--no-pager", "-p", strings.Join(keys, ","))
	if err != nil {
		return []Finding{warn("systemd does not run here, so nothing starts faird again after a crash: "+err.Error(),
			"in a container let its manager do so: restart: unless-stopped; else see docs/systemd.md")}
	}
	unit := map[string]string{}
	for line := range strings.SplitSeq(out, "\n") {
		if key, value, is := strings.Cut(line, "="); is {
			unit[key] = value
		}
	}
	if unit["LoadState"] != "loaded" {
		return []Finding{warn("there is no unit "+service, "install the package, or see docs/systemd.md")}
	}
	return append([]Finding{state(unit)}, hardening(unit)...)
}

func state(unit map[string]string) Finding {
	what := fmt.Sprintf("%s (%s), %s after %s restart(s)", unit["ActiveState"], unit["SubState"], unit["FragmentPath"], unit["NRestarts"])
	const look = "journalctl -u faird -n 100; then systemctl reset-failed faird && systemctl start faird"
	switch {
	case unit["ActiveState"] == "failed":
		return fail(what+": it ended with "+unit["Result"], look).with(unit)
	case unit["NeedDaemonReload"] == "yes":
		return warn(what+": its file has changed since it was loaded", "systemctl daemon-reload && systemctl restart faird").with(unit)
	case unit["ActiveState"] != "active":
		return warn(what, "systemctl enable --now faird").with(unit)
	case unit["NRestarts"] != "0" && unit["NRestarts"] != "":
		return warn(what, "journalctl -u faird says why it ended").with(unit)
	case unit["UnitFileState"] == "disabled":
		return warn(what+": it does not start with the machine", "systemctl enable faird").with(unit)
	}
	return ok(what).with(unit)
}

// hardening says what of the sandbox and the watchdog is not in force.
func hardening(unit map[string]string) (list []Finding) {
	if w, err := time.ParseDuration(strings.NewReplacer("min", "m", " ", "").Replace(unit["WatchdogUSec"])); err != nil || w == 0 {
		list = append(list, warn("no watchdog: a hanging daemon is not restarted", "take WatchdogSec=0 out of the unit's drop-ins: systemctl cat faird"))
	} else {
		list = append(list, ok(fmt.Sprintf("the watchdog waits %v", w)))
	}
	if u := unit["User"]; u == "" || u == "root" {
		list = append(list, warn("the daemon runs as root", "set User=faird, as the shipped unit does"))
	}
	var open []string
	for _, s := range sandbox {
		if unit[s.key] != s.want {
			open = append(open, fmt.Sprintf("%s=%s (%s)", s.key, unit[s.key], s.opens))
		}
	}
	if open != nil {
		return append(list, warn("the sandbox is open at "+strings.Join(open, ", "), "see the drop-ins: systemctl cat faird; systemd-analyze security faird weighs them"))
	}
	return append(list, ok("the sandbox is in force as it was shipped"))
}
