package fleet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"faird/publish/mosquitto"
)

// bridge is what bridge.conf says, for the box edge7 and a broker on loopback
// without TLS and passwords.
func bridge(t *testing.T, plant string) []string {
	t.Helper()
	data, err := os.ReadFile("bridge.conf")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		key, _, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"listener", "persistence", "persistence_location", "autosave_interval", "max_queued_messages", "max_inflight_messages", "bridge_cafile", "remote_password", "remote_username"}, key) {
			lines = append(lines, strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(line, "PLANT:8883", plant), "BOX", "edge7")))
		}
	}
	return lines
}

// heard is what a subscriber got, by payload.
type heard struct {
	mu  sync.Mutex
	all map[string]int
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

func client(t *testing.T, broker *mosquitto.Broker, id string) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(broker.URL()).SetClientID(id).SetCleanSession(false).SetMaxReconnectInterval(time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(200 * time.Millisecond).SetResumeSubs(true)
	c := mqtt.NewClient(o)
	done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

func done(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(time.Minute) || token.Error() != nil {
		t.Fatalf("MQTT: %v", token.Error())
	}
}

func listen(t *testing.T, c mqtt.Client, topic string) *heard {
	t.Helper()
	h := &heard{all: map[string]int{}}
	done(t, c.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all[string(m.Payload())]++
	}))
	return h
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within two minutes", what)
		}
	}
}

// TestBridge is a box's broker and the plant's: verdicts and states go up, also
// those made while the plant's broker was dead, commands come down, and
// triggers stay where they are.
func TestBridge(t *testing.T) {
	kept := t.TempDir()
	plant := mosquitto.New(t, "allow_anonymous true", "persistence true", "persistence_location "+kept+"/", "autosave_interval 1")
	box := mosquitto.New(t, bridge(t, plant.Addr)...)
	up := client(t, plant, "history")
	verdicts, states, triggers := listen(t, up, "faird/+/+/+/verdict"), listen(t, up, "faird/+/+/state"), listen(t, up, "faird/+/+/+/trigger")
	daemon := client(t, box, "faird")
	commands := listen(t, daemon, "faird/plant1/edge7/cap/command")
	say := func(from, to int) {
		for n := from; n < to; n++ {
			done(t, daemon.Publish("faird/plant1/edge7/cap/verdict", 1, false, fmt.Sprintf(`{"id":"%d"}`, n)))
		}
	}
	done(t, daemon.Publish("faird/plant1/edge7/state", 1, true, `{"state":"online"}`))
	done(t, daemon.Publish("faird/plant1/edge7/cap/trigger", 1, false, `{"id":"t"}`))
	say(0, 20)
	until(t, "verdicts and the state over the bridge", func() bool { return verdicts.count() == 20 && states.count() == 1 })

	began := time.Now()
	until(t, "the plant's broker has saved its sessions", func() bool { // twice: the first may have begun before
		info, err := os.Stat(filepath.Join(kept, "mosquitto.db"))
		return err == nil && info.ModTime().After(began.Add(1100*time.Millisecond))
	})
	plant.Kill()
	say(20, 60)
	plant.Start()
	say(60, 80)
	until(t, "every verdict, those of the outage too", func() bool { return verdicts.count() == 80 })

	done(t, up.Publish("faird/plant1/edge7/cap/command", 1, false, `{"command":"pause"}`))
	until(t, "the command comes down", func() bool { return commands.count() == 1 })
	if triggers.count() != 0 {
		t.Error("a trigger left the box")
	}
}

// TestCompose holds the services to what compose knows, and that what they mount
// from here is there.
func TestCompose(t *testing.T) {
	type service struct {
		Image       string
		Restart     string
		Ports       []string
		Volumes     []string
		Environment map[string]string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck *struct {
			Test              []string
			Interval, Timeout time.Duration
			Retries           int
		}
	}
	var c struct {
		Name     string
		Services map[string]service
		Volumes  map[string]*struct{}
	}
	strictly(t, "compose.yaml", &c)
	secret := []string{"./certs", "./certs/plant.crt", "./passwords", "./faird.token"}
	for name, s := range c.Services {
		if _, tag, ok := strings.Cut(s.Image, ":"); !ok || tag == "latest" || s.Restart != "unless-stopped" {
			t.Errorf("%s: image %q, restart %q", name, s.Image, s.Restart)
		}
		for other, d := range s.DependsOn {
			if o, ok := c.Services[other]; !ok || d.Condition == "service_healthy" && o.Healthcheck == nil {
				t.Errorf("%s waits for %s to be %q", name, other, d.Condition)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, declared := c.Volumes[from]
			_, err := os.Stat(from)
			if !declared && err != nil && !slices.Contains(secret, from) {
				t.Errorf("%s mounts %s, which is not there", name, from)
			}
		}
	}
	if len(c.Services) != 4 {
		t.Errorf("%d services", len(c.Services))
	}
}

func TestPrometheus(t *testing.T) {
	var c struct {
		Global struct {
			Interval time.Duration `yaml:"scrape_interval"`
			Timeout  time.Duration `yaml:"scrape_timeout"`
		}
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			Scheme        string
			Authorization struct {
				Type            string
				CredentialsFile string `yaml:"credentials_file"`
			}
			TLSConfig struct {
				CAFile string `yaml:"ca_file"`
			} `yaml:"tls_config"`
			Files []struct {
				Files           []string
				RefreshInterval time.Duration `yaml:"refresh_interval"`
			} `yaml:"file_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	strictly(t, "prometheus.yml", &c)
	if len(c.ScrapeConfigs) != 1 || c.ScrapeConfigs[0].Scheme != "https" || c.Global.Timeout > c.Global.Interval {
		t.Errorf("%+v", c)
	}
	if _, err := os.Stat(filepath.Join("..", "prometheus", c.RuleFiles[0])); err != nil {
		t.Error(err)
	}
	var boxes []struct {
		Targets []string
		Labels  map[string]string
	}
	strictly(t, "boxes.yml", &boxes)
	if len(boxes) != 1 || len(boxes[0].Targets) < 2 {
		t.Errorf("%+v", boxes)
	}
}

// strictly reads YAML with no key that is not known.
func strictly(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestTelegraf(t *testing.T) {
	data, err := os.ReadFile("telegraf.conf")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Inputs struct {
			MQTT []struct {
				QoS        int  `toml:"qos"`
				Persistent bool `toml:"persistent_session"`
				Undeliv    int  `toml:"max_undelivered_messages"`
			} `toml:"mqtt_consumer"`
		}
		Outputs map[string]any
	}
	if err := toml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Inputs.MQTT) != 1 || c.Inputs.MQTT[0].QoS != 1 || !c.Inputs.MQTT[0].Persistent || c.Inputs.MQTT[0].Undeliv == 0 || c.Outputs["postgresql"] == nil {
		t.Errorf("verdicts could be lost on the way: %+v", c)
	}
}
