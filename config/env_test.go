package config

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestEnvironmentOverrides(t *testing.T) {
	c := mustLoad(t, `
log: {level: warn}
mqtt:
  username: file
  builtin: {users: [{name: plc 1, password: old-password}]}
stations:
- {name: cap, model: demo, camera: {url: "demo://"}}
- {name: cap-2, model: demo, camera: {url: "demo://"}, roi: {x: 1, y: 1, w: 5, h: 5}}
`,
		"FAIRD_LOG_LEVEL=debug",
		"FAIRD_BOX=edge7",
		"FAIRD_MQTT_USERNAME=", // empty: not set
		"FAIRD_MQTT_TIMEOUT=7s",
		"FAIRD_MQTT_COMMANDS=false",
		"FAIRD_MQTT_PASSWORD=1234",
		"FAIRD_INFER_STRICT=false",
		"FAIRD_INFER_CUDA_MEMORY_LIMIT=2GiB",
		"FAIRD_MQTT_BUILTIN_USERS_0_WRITE=true",
		"FAIRD_STATIONS_CAP_THRESHOLD=0.2",
		"FAIRD_STATIONS_CAP_CAMERA_URL=rtsp://a:b@c/d=e",
		"FAIRD_STATIONS_CAP_2_ROI_W=9",
		"PATH=/bin", "FAIRD", "FAIRD_GOLDEN=x", "FAIRD_CONFIG=y",
		"FAIRD_SERVICE_HOST=10.0.0.1", "FAIRD_PORT=tcp://10.0.0.1:80", "FAIRD_MQTT_PORT_1883_TCP_ADDR=10.0.0.1", "FAIRD_MQTT_SERVICE_PORT=1883",
	)
	got := []any{
		c.Log.Level, c.Box, c.MQTT.Username, c.MQTT.Timeout, c.MQTT.Commands, string(c.MQTT.Password), *c.Infer.Strict,
		c.Infer.CUDA.MemoryLimit, c.MQTT.Builtin.Users[0], *c.Stations[0].Threshold, c.Stations[0].Camera.URL, *c.Stations[1].ROI,
		c.Stations[0].Camera.ReadTimeout,
	}
	want := []any{
		"debug", "edge7", "file", 7 * time.Second, false, "1234", false,
		Bytes(2 << 30),
		User{Name: "plc 1", Password: "old-password", Write: true},
		0.2, "rtsp://a:b@c/d=e",
		Rect{1, 1, 9, 5},
		2 * time.Second,
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestEnvironmentProblems(t *testing.T) {
	const two = "stations: [{name: a-b, model: demo, camera: {url: 'demo://'}}, {name: a.b, model: demo, camera: {url: 'demo://'}}]\n"
	for variable, want := range map[string]string{
		"FAIRD_MQTT_BROKR=x":             "FAIRD_MQTT_BROKR: names no key; did you mean FAIRD_MQTT_BROKER?",
		"FAIRD_WHATEVER=x":               "FAIRD_WHATEVER: names no key; take it out, or see faird.yaml for the keys",
		"FAIRD_STATIONS_C_MODEL=x":       "FAIRD_STATIONS_C_MODEL: names no key; did you mean FAIRD_STATIONS_A_B_MODEL?",
		"FAIRD_STATIONS_A_B_THRESHOLD=1": "FAIRD_STATIONS_A_B_THRESHOLD: could be stations.a-b.threshold or stations.a.b.threshold; change the file instead",
		"FAIRD_MQTT_TIMEOUT=5":           "FAIRD_MQTT_TIMEOUT: mqtt.timeout: 5 has no unit; write 5s, 5ms or the like",
		"FAIRD_MQTT_COMMANDS=on":         `FAIRD_MQTT_COMMANDS: mqtt.commands: "on" is neither true nor false; write true or false, without quotes`,
		"FAIRD_MQTT_TIMEOUT=-5s":         "FAIRD_MQTT_TIMEOUT: mqtt.timeout: -5s is out of range; give a duration above 0, such as 2s",
		"FAIRD_LOG_LEVEL=loud":           `FAIRD_LOG_LEVEL: log.level: "loud" is not known here; choose trace, debug, info, warn or error`,
	} {
		_, err := loadText(t, two, variable)
		if got := lines(t, err); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", variable, got, want)
		}
	}
}

func TestEnvironmentReplacesTheOtherFormOfAPassword(t *testing.T) {
	dir := t.TempDir()
	file := put(t, filepath.Join(dir, "secret"), "from file\n")
	path := put(t, filepath.Join(dir, "faird.yaml"), "mqtt: {username: a, password_file: secret}\n")
	for want, env := range map[string][]string{
		"from file": nil,
		"from env":  {"FAIRD_MQTT_PASSWORD=from env"},
	} {
		c, err := Load(path, env)
		if err != nil || string(c.MQTT.Password) != want {
			t.Errorf("want %s, got %+v, %v", want, c, err)
		}
	}
	put(t, path, "mqtt: {username: a, password: written}\n")
	c, err := Load(path, []string{"FAIRD_MQTT_PASSWORD_FILE=" + file})
	if err != nil || string(c.MQTT.Password) != "from file" {
		t.Errorf("got %+v, %v", c, err)
	}
	_, err = Load(path, []string{"FAIRD_MQTT_PASSWORD_FILE=" + file, "FAIRD_MQTT_PASSWORD=x"})
	if want := "FAIRD_MQTT_PASSWORD_FILE: mqtt.password_file: given beside password; take one of the two out"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
