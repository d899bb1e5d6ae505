package config

import (
	"strings"
	"testing"
)

func TestDeliveryRules(t *testing.T) {
	const station = "stations:\n  - {name: cap, model: demo, camera: {url: 'demo://'}, %}\n"
	for name, c := range map[string]struct{ top, station, want string }{
		"nothing said":                {"", "trigger: {mode: free}", ""},
		"handshake":                   {"", "trigger: {mode: mqtt}, handshake: {enabled: true, results_buffer: 1}", ""},
		"ack of the built-in broker":  {"", "ack: required", ""},
		"ack of another broker":       {"mqtt: {broker: 'tcp://broker'}\n", "ack: required", "stations.cap.ack"},
		"unknown ack":                 {"", "ack: always", "stations.cap.ack"},
		"handshake without triggers":  {"", "handshake: {enabled: true}", "stations.cap.handshake.enabled"},
		"no buffer":                   {"", "handshake: {results_buffer: 0}", "stations.cap.handshake.results_buffer"},
		"a buffer beyond all bounds":  {"", "handshake: {results_buffer: 1001}", "stations.cap.handshake.results_buffer"},
		"switched off is not checked": {"", "trigger: {mode: free}, handshake: {enabled: false, results_buffer: 3}", ""},
	} {
		_, err := Load(put(t, t.TempDir()+"/faird.yaml", c.top+strings.Replace(station, "%", c.station, 1)), nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestDeliveryDiffers(t *testing.T) {
	a, b := Default(), Default()
	a.Stations, b.Stations = []Station{DefaultStation()}, []Station{DefaultStation()}
	b.Stations[0].Ack, b.Stations[0].Handshake.ResultsBuffer = AckRequired, 3
	c := Diff(&a, &b)
	if len(c.Changed) != 1 || c.Changed[0].Aspects != Acknowledging|Handshaking || c.Changed[0].Aspects.String() != "ack, handshake" {
		t.Errorf("%+v", c)
	}
}
