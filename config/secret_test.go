package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"faird/config/redact"
)

func TestSecretsNeverShow(t *testing.T) {
	const word = "hunter2"
	c := mustLoad(t, `
mqtt: {username: a, password: hunter2hunter2, builtin: {users: [{name: plc, password: hunter2hunter2}]}}
stations: [{name: cap, model: demo, camera: {url: "rtsp://u:hunter2@cam/1"}}]
`, "FAIRD_MQTT_PASSWORD="+word)
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U"} {
		for _, value := range []any{c, *c, c.MQTT, &c.MQTT, c.MQTT.Password, &c.MQTT.Password, c.MQTT.Builtin, c.Stations[0], c.Stations[0].Camera} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	log := zerolog.New(&out)
	log.Info().Interface("config", c).Any("station", c.Stations).Stringer("password", c.MQTT.Password).Msg("")
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := marshal(struct{ Password Secret }{c.MQTT.Password})
		if err != nil || !strings.Contains(string(text), redact.Stars) {
			t.Errorf("got %s, %v", text, err)
		}
		out.Write(text)
	}
	out.WriteString(c.Show() + c.Hash())
	hidden := []string{word, fmt.Sprintf("%x", word), fmt.Sprintf("%X", word)}
	for _, line := range strings.Split(out.String(), "\n") {
		for _, h := range hidden {
			if strings.Contains(line, h) {
				t.Fatalf("shows in %s", line)
			}
		}
	}
	if !strings.Contains(out.String(), redact.Stars) {
		t.Error("no stars anywhere: nothing was printed")
	}
}

func TestEmptySecretShowsThatItIsEmpty(t *testing.T) {
	if got := fmt.Sprintf("%v%#v%d", Secret(""), Secret(""), Secret("")); got != "" {
		t.Errorf("got %q", got)
	}
}
