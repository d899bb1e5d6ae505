package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEmptyFileIsTheDefault(t *testing.T) {
	c := mustLoad(t, "")
	want := Default()
	want.Box, want.Store.Path, want.Infer.TensorRT.EngineCache = c.Box, c.Store.Path, c.Infer.TensorRT.EngineCache
	want.Web.Users = c.Web.Users
	want.source = c.source
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got %+v, want %+v", *c, want)
	}
	if c.Box == "" || strings.Contains(c.Box, ".") {
		t.Errorf("box %q is not the host's short name", c.Box)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0], "stations: none") {
		t.Errorf("warnings %q", w)
	}
}

func TestStationsHaveDefaultsAndOwnValues(t *testing.T) {
	c := mustLoad(t, `
stations:
  - &first
    name: cap
    model: demo
    camera: {url: "demo://", read_timeout: 5s}
    threshold: 0.14
    review: 0.1
    roi: {x: 1, y: 2, w: 3, h: 4}
  - <<: *first
    name: label
    threshold: 1
    trigger: {mode: interval, interval: 250ms}
`)
	first := DefaultStation()
	first.Name, first.Model, first.Camera.URL, first.Camera.ReadTimeout = "cap", DemoModel, "demo://", 5*time.Second
	first.Threshold, first.Review, first.ROI = ptr(0.14), ptr(0.1), &Rect{1, 2, 3, 4}
	second := first
	second.Name, second.Threshold = "label", ptr(1.0)
	second.Trigger.Mode, second.Trigger.Interval = "interval", 250*time.Millisecond
	if want := []Station{first, second}; !reflect.DeepEqual(c.Stations, want) {
		t.Errorf("got %+v, want %+v", c.Stations, want)
	}
	if c.Station("label") != &c.Stations[1] || c.Station("none") != nil {
		t.Error("Station does not find by name")
	}
}

func TestNullLeavesTheDefault(t *testing.T) {
	c := mustLoad(t, "log:\nmqtt: {timeout: , tls: ~}\nstore: null\nstations:\n")
	if c.MQTT.Timeout != Default().MQTT.Timeout || c.Store.MaxBytes != Default().Store.MaxBytes || c.Log != Default().Log {
		t.Errorf("got %+v", c)
	}
}

func TestTextsAreTakenAsWritten(t *testing.T) {
	c := mustLoad(t, "site: 007\nbox: yes\nmqtt: {username: 1e3, password: 0x10}\n")
	if c.Site != "007" || c.Box != "yes" || c.MQTT.Username != "1e3" || string(c.MQTT.Password) != "0x10" {
		t.Errorf("got %q %q %q %q", c.Site, c.Box, c.MQTT.Username, string(c.MQTT.Password))
	}
}

func TestBrokerAddressHasOneSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"mqtt://plant":        "tcp://plant:1883",
		"tcp://plant:1884":    "tcp://plant:1884",
		"mqtts://plant":       "ssl://plant:8883",
		"tls://[::1]":         "ssl://[::1]:8883",
		"wss://plant/mqtt":    "wss://plant/mqtt",
		"ws://plant:80/x?y=z": "ws://plant:80/x?y=z",
	} {
		if c := mustLoad(t, "mqtt: {broker: '"+given+"'}\n"); c.MQTT.Broker != want {
			t.Errorf("%s became %s, want %s", given, c.MQTT.Broker, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	c := mustLoad(t, "stations:\n- {name: cap, model: demo, camera: {url: 'demo://'},\n   trigger: {interval: 2s}}\n")
	want := []string{c.source.shown + ":3: stations.cap.trigger.interval: has no effect with trigger.mode free; take it out, or set mode to interval"}
	if !reflect.DeepEqual(c.Warnings(), want) {
		t.Errorf("got %q, want %q", c.Warnings(), want)
	}
}

func ptr[T any](v T) *T { return &v }
