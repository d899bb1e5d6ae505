package publish

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/publish/handshake"
	"faird/verdict"
)

const plcPage = "../docs/plc.md"

// fenced gives the page's blocks of a kind, as ```kind opens them.
func fenced(t *testing.T, kind string) []string {
	t.Helper()
	return fencedIn(t, plcPage, kind)
}

func fencedIn(t *testing.T, page, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("%s has no block of %s", page, kind)
	}
	return out
}

// program is the page's Structured Text.
func program(t *testing.T) string { return strings.Join(fenced(t, "iecst"), "\n") }

func TestPLCPageHasMessagesOfTheSchemas(t *testing.T) {
	for kind, schema := range map[string][]byte{"trigger": TriggerSchema, "handshake": HandshakeSchema, "ack": AckSchema} {
		for _, message := range fenced(t, "json "+kind) {
			if err := valid(t, compile(t, schema), []byte(message)); err != nil {
				t.Errorf("%s: %v\n%s", kind, err, message)
			}
		}
	}
	var taken, done HandshakeState
	steps := fenced(t, "json handshake")
	if err := json.Unmarshal([]byte(steps[0]), &taken); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(steps[1]), &done); err != nil {
		t.Fatal(err)
	}
	trigger := parseTrigger([]byte(fenced(t, "json trigger")[0]))
	ack, err := parseAck([]byte(fenced(t, "json ack")[0]))
	if err != nil || trigger.Err != nil {
		t.Fatal(err, trigger.Err)
	}
	if !taken.Busy || !taken.TriggerAck || taken.Ready || taken.Acquisition.Trigger.ID != trigger.ID {
		t.Errorf("%+v does not show that %q is taken", taken, trigger.ID)
	}
	if done.Result == nil || done.Result.Trigger.ID != trigger.ID || done.Result.ID != ack.ID {
		t.Errorf("%+v is not what %q acknowledges", done.Result, ack.ID)
	}
	if strings.Count(steps[1], `"verdict":"`) != 1 {
		t.Error(`"verdict": stands in it more than once, and PLCs without JSON look for it`)
	}
}

// TestPLCPageProgramSendsWhatIsRead puts the program's messages together from
// its constants as its CONCATs do.
func TestPLCPageProgramSendsWhatIsRead(t *testing.T) {
	found := regexp.MustCompile(`sSend := (CONCAT.*);`).FindAllStringSubmatch(program(t), -1)
	if len(found) != 2 {
		t.Fatalf("%d messages are put together, want a trigger and an acknowledgement", len(found))
	}
	values := map[string]string{"sId": "L3-1", "sIdPart": "A-1", "sResult": "01JD7Q71D0M1V9W1S8QX0R5T2C"}
	var sent []string
	for _, m := range found {
		message := &strings.Builder{}
		for _, part := range regexp.MustCompile(`'[^']*'|s[A-Z]\w+`).FindAllString(m[1], -1) {
			value, is := values[part]
			if !is {
				value = strings.Trim(part, "'")
			}
			message.WriteString(value)
		}
		sent = append(sent, message.String())
	}
	if got := parseTrigger([]byte(sent[0])); got.Err != nil || got.ID != "L3-1" || got.Part != "A-1" {
		t.Errorf("%s is read as %+v", sent[0], got)
	}
	if got, err := parseAck([]byte(sent[1])); err != nil || got.ID != values["sResult"] || got.Level != nil {
		t.Errorf("%s is read as %+v, %v", sent[1], got, err)
	}
}

// TestPLCPageProgramReadsWhatIsSent looks every key and topic of the program up.
func TestPLCPageProgramReadsWhatIsSent(t *testing.T) {
	keys := regexp.MustCompile(`FindMember\(\w+, '(\w+)'\)`).FindAllStringSubmatch(program(t), -1)
	if len(keys) < 10 {
		t.Fatalf("the program reads %d keys", len(keys))
	}
	for _, key := range keys {
		if !strings.Contains(string(HandshakeSchema)+string(BoxSchema), `"`+key[1]+`": {`) {
			t.Errorf("no message has the key %s", key[1])
		}
	}
	c := testPLCConfig(t)
	prefix := "faird/" + c.Site + "/" + c.Box + "/"
	station := prefix + c.Stations[0].Name
	for _, topic := range []string{prefix + "state", station + "/handshake", station + "/trigger", station + "/ack"} {
		if !strings.Contains(program(t), "'"+topic+"'") {
			t.Errorf("the program has no topic %s", topic)
		}
	}
}

// testPLCConfig loads the page's config, with a password where it names one.
func testPLCConfig(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"faird.yaml": fenced(t, "yaml")[0], "plc.password": "plc-secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "faird.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Stations[0].Handshake.Enabled || !c.MQTT.Builtin.Users[0].Write {
		t.Errorf("no handshake, or the PLC may not write: %+v", c)
	}
	return c
}

// TestPLCPageLengths holds the lengths that the page's table promises.
func TestPLCPageLengths(t *testing.T) {
	name, third := strings.Repeat("x", 40), 1.0/3
	now := verdict.Time{Time: time.Now()}
	trigger := verdict.Trigger{ID: name, Part: name}
	long := encode(&HandshakeState{
		Schema: HandshakeV1, Site: name, Box: name, Station: name, Time: now, Session: name,
		Status: handshake.Status{
			Why:         strings.Repeat("w", 100),
			Acquisition: handshake.Acquisition{Number: math.MaxUint32, Trigger: trigger},
			Result:      &handshake.Result{ID: name, Sequence: math.MaxUint32, Trigger: trigger, Verdict: verdict.Review, Reason: verdict.InvalidPicture, Score: &third},
		},
	})
	if len(long) > 1536 {
		t.Errorf("a handshake of %d bytes: %s", len(long), long)
	}
	v := newVerdict("cap", 1, verdict.Fail)
	v.Trigger = &trigger
	for range 32 {
		v.Regions = append(v.Regions, verdict.Region{X: 12345, Y: 12345, W: 12345, H: 12345, Area: 123456789, Peak: third, Structure: third, Colour: 1 - third})
	}
	if payload := newEntry(v, 1).payload; len(payload) > 8192 {
		t.Errorf("a verdict of %d bytes: %s", len(payload), payload)
	}
}
