package publish

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faird/config"
)

const mqttPage = "../docs/mqtt.md"

// one is the page's only block of a kind.
func one(t *testing.T, kind string) []byte {
	t.Helper()
	blocks := fencedIn(t, mqttPage, kind)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of %s", len(blocks), kind)
	}
	return []byte(strings.TrimSuffix(blocks[0], "\n"))
}

func TestMQTTPageMessages(t *testing.T) {
	trigger, command, reply := one(t, "json trigger"), one(t, "json command"), one(t, "json reply")
	for _, m := range []struct{ schema, message []byte }{{TriggerSchema, trigger}, {CommandSchema, command}, {ReplySchema, reply}} {
		if err := valid(t, compile(t, m.schema), m.message); err != nil {
			t.Errorf("%v\n%s", err, m.message)
		}
	}
	if got := parseTrigger(trigger); got.Err != nil || got.ID != "t-88" || got.Part != "A-1009" || got.Time.IsZero() {
		t.Errorf("%s is read as %+v", trigger, got)
	}
	var c Command
	if err := parseCommand(command, &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Check("cap"); err != nil || !c.Threshold.Given || !c.Review.Given {
		t.Errorf("%s is read as %+v, %v", command, c, err)
	}
	var r Reply
	if err := json.Unmarshal(reply, &r); err != nil {
		t.Fatal(err)
	}
	if r.ID != c.ID || r.Command != c.Command || r.Digest != Digest(command) {
		t.Errorf("%s does not answer %s, whose digest is %s", reply, command, Digest(command))
	}
}

func TestMQTTPageLimits(t *testing.T) {
	text, err := os.ReadFile(mqttPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{
		fmt.Sprintf("of up to %d bytes", fieldLimit), fmt.Sprintf("may have %d KiB", payloadLimit>>10),
		fmt.Sprintf("above 0, at most %d", MaxThreshold), fmt.Sprintf("1 to %d", MaxSave),
	} {
		if !strings.Contains(string(text), says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	for name, f := range forms {
		if !strings.Contains(string(text), "`"+name+"`") || !strings.Contains(string(text), "`"+f.needs+"`") && f.needs != "" {
			t.Errorf("the page's table has no %s with %s", name, f.needs)
		}
	}
}

// TestMQTTPageUsers holds that the page's users may do what it says of them.
func TestMQTTPageUsers(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"faird.yaml": string(one(t, "yaml users")) + "\nstations:\n- {name: cap, model: demo, camera: {url: 'demo://'}}\n- {name: lid, model: demo, camera: {url: 'demo://'}}\n",
	}
	for _, name := range []string{"plc", "plc-cap", "panel", "viewer"} {
		files[name+".password"] = name + "-secret-word\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "faird.yaml"), nil)
	if err != nil || len(c.Warnings()) > 0 {
		t.Fatalf("%v, warnings %q", err, c.Warnings())
	}
	users, err := newUsers(c.MQTT.Builtin.Users, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, topic string
		read, write bool
	}{
		{"plc", "lid/trigger", true, true},
		{"plc", "command", true, true},
		{"plc-cap", "cap/ack", true, true},
		{"plc-cap", "lid/trigger", false, false},
		{"plc-cap", "cap/command", true, false},
		{"plc-cap", "state", true, false},
		{"panel", "lid/command", true, true},
		{"panel", "command", true, false},
		{"panel", "cap/trigger", true, false},
		{"viewer", "cap/trigger", true, false},
		{"viewer", "command", true, false},
	} {
		topics := newTopics(testBox)
		u := users[test.user]
		if read, write := u.mayRead(topics, prefix+test.topic), u.mayWrite(topics, prefix+test.topic); read != test.read || write != test.write {
			t.Errorf("%s on %s: read %t, write %t", test.user, test.topic, read, write)
		}
	}
}
