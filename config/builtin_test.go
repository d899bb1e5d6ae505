package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const twoStations = `
stations:
- {name: cap, model: demo, camera: {url: "demo://"}}
- {name: lid, model: demo, camera: {url: "demo://"}}
`

// A config from before there were permissions means what it meant.
func TestPermissions(t *testing.T) {
	c := mustLoad(t, `
mqtt:
  builtin:
    users:
    - {name: viewer, password: 0123456789}
    - {name: plc, password: 0123456789, write: true}
    - {name: cap, password: 0123456789, read: cap, trigger: " cap , lid", command: none}
    - {name: boss, password: 0123456789, write: true, trigger: none}
    - {name: mute, password: 0123456789, read: none, trigger: lid}
`+twoStations)
	type can struct{ readCap, readLid, triggerCap, triggerLid, commandCap, commandAll bool }
	for name, want := range map[string]can{
		"viewer": {true, true, false, false, false, false},
		"plc":    {true, true, true, true, true, true},
		"cap":    {true, false, true, true, false, false},
		"boss":   {true, true, false, false, true, true},
		"mute":   {false, false, false, true, false, false},
	} {
		i := slices.IndexFunc(c.MQTT.Builtin.Users, func(u User) bool { return u.Name == name })
		u := c.MQTT.Builtin.Users[i]
		got := can{
			u.Reads().For("cap"), u.Reads().For("lid"), u.Triggers().For("cap"), u.Triggers().For("lid"),
			u.Commands().For("cap"), u.Commands().All,
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings %q", w)
	}
}

func TestPermissionsForStationsThatThereAreNot(t *testing.T) {
	c := mustLoad(t, `mqtt: {builtin: {users: [{name: plc, password: 0123456789, trigger: "cap, lib", read: gone}]}}`+twoStations)
	w := strings.Join(c.Warnings(), "\n")
	for _, want := range []string{`mqtt.builtin.users.plc.trigger: there is no station "lib"; did you mean lid?`, `plc.read: there is no station "gone"`} {
		if !strings.Contains(w, want) {
			t.Errorf("%q does not say %q", w, want)
		}
	}
}

func TestBuiltinBeyondThisMachineWithoutTLS(t *testing.T) {
	const plain = "mqtt: {builtin: {listen: '0.0.0.0:1883', users: [{name: plc, password: 0123456789}]}}" + twoStations
	if w := strings.Join(mustLoad(t, plain).Warnings(), "\n"); !strings.Contains(w, "unencrypted; give mqtt.builtin.tls a certificate") {
		t.Errorf("warnings %q", w)
	}
	secure := strings.Replace(plain, "users:", "tls: {cert: a.pem, key: b.pem}, users:", 1)
	if w := mustLoad(t, secure).Warnings(); len(w) != 0 {
		t.Errorf("warnings %q", w)
	}
}

func TestBuiltinKeyOpenToEveryone(t *testing.T) {
	dir := t.TempDir()
	key := put(t, filepath.Join(dir, "b.key"), "not looked into")
	put(t, filepath.Join(dir, "a.pem"), "not a certificate")
	path := put(t, filepath.Join(dir, "faird.yaml"), "mqtt: {builtin: {tls: {cert: a.pem, key: b.key, client_ca: a.pem}}}")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for mode, bad := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o601: true} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		err := c.Check()
		if err == nil || !strings.Contains(err.Error(), "client_ca: ") {
			t.Errorf("the authority that is none: %v", err)
		}
		if is := strings.Contains(err.Error(), "chmod o-rwx "+key); is != bad {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}
