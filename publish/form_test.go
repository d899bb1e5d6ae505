package publish

import (
	"strings"
	"testing"
)

func TestCommandsAreStrict(t *testing.T) {
	schema := compile(t, CommandSchema)
	num := func(v float64) Limit { return Limit{true, &v} }
	null := Limit{Given: true}
	const only = "strict only" // what the schema cannot say
	tests := []struct {
		payload string
		want    Command
		err     string
		schema  string
	}{
		{`{"command":"threshold","threshold":0.2}`, Command{Threshold: num(0.2)}, "", ""},
		{`{"command":"threshold","threshold":0.2,"review":0.1}`, Command{Threshold: num(0.2), Review: num(0.1)}, "", ""},
		{`{"command":"threshold","threshold":0.2,"review":null}`, Command{Threshold: num(0.2), Review: null}, "", ""},
		{`{"command":"threshold","threshold":null}`, Command{Threshold: null}, "", ""},
		{`{"command":"threshold","threshold":null,"review":null}`, Command{Threshold: null, Review: null}, "", ""},
		{`{"command":"threshold","threshold":1000}`, Command{Threshold: num(1000)}, "", ""},
		{`{"command":"model","model":"a.onnx"}`, Command{Model: "a.onnx"}, "", ""},
		{`{"command":"save","count":5}`, Command{Count: 5}, "", ""},
		{`{"command":"save","count":1e4}`, Command{Count: 10000}, "", ""},
		{`{"command":"pause","id":7,"by":"maria"}`, Command{ID: "7", By: "maria"}, "", ""},
		{"\xef\xbb\xbf" + `{"command":"resume"}` + "\x00\x00", Command{}, "", only},

		{`{"command":"threshold","value":0.7}`, Command{}, `unknown key "value": the keys are command, threshold, review, id, by`, ""},
		{`{"command":"threshold"}`, Command{}, "threshold is missing: give a number, or null", ""},
		{`{"command":"threshold","review":0.1}`, Command{}, "threshold is missing", ""},
		{`{"command":"threshold","Threshold":0.1}`, Command{}, `unknown key "Threshold"`, ""},
		{`{"command":"threshold","threshold":0.2,"count":1}`, Command{}, `unknown key "count"`, ""},
		{`{"command":"threshold","threshold":"0.2"}`, Command{}, `field "threshold" must be a number, got a string`, ""},
		{`{"command":"threshold","threshold":0}`, Command{}, "threshold 0 is out of range: it must be above 0 and at most 1000", ""},
		{`{"command":"threshold","threshold":-0.1}`, Command{}, "out of range", ""},
		{`{"command":"threshold","threshold":1000000}`, Command{}, "threshold 1e+06 is out of range", ""},
		{`{"command":"threshold","threshold":1e999}`, Command{}, "out of range", only},
		{`{"command":"threshold","threshold":0.2,"review":0}`, Command{}, "review 0 is out of range", ""},
		{`{"command":"threshold","threshold":0.2,"review":-1}`, Command{}, "review -1 is out of range", ""},
		{`{"command":"threshold","threshold":0.2,"review":0.2}`, Command{}, "review 0.2 must be below the threshold 0.2", only},
		{`{"command":"threshold","threshold":0.2,"review":0.3}`, Command{}, "must be below", only},
		{`{"command":"threshold","threshold":null,"review":0.3}`, Command{}, "review needs a threshold", only},
		{`{"command":"model"}`, Command{}, "model is missing", ""},
		{`{"command":"model","model":null}`, Command{}, "model is missing", ""},
		{`{"command":"model","model":""}`, Command{}, "model is missing", ""},
		{`{"command":"model","model":7}`, Command{}, `field "model" must be a string, got a number`, ""},
		{`{"command":"save"}`, Command{}, "count is missing", ""},
		{`{"command":"save","count":0}`, Command{}, "count must be 1 to 10000", ""},
		{`{"command":"save","count":-1}`, Command{}, "count must be 1 to 10000", ""},
		{`{"command":"save","count":10001}`, Command{}, "count must be 1 to 10000", ""},
		{`{"command":"save","count":1.5}`, Command{}, `field "count" must be a whole number, got 1.5`, ""},
		{`{"command":"save","count":"5"}`, Command{}, `field "count" must be a number`, ""},
		{`{"command":"pause","count":1}`, Command{}, `unknown key "count": the keys are command, id, by`, ""},
		{`{"command":"Pause"}`, Command{}, `unknown command "Pause"`, ""},
		{`{"command":7}`, Command{}, `field "command" must be a string`, ""},
		{`{"id":"8"}`, Command{}, "command is missing", ""},
		{`{"command":"pause","id":{}}`, Command{}, `field "id" must be a string or a number`, ""},
		{`{"command":"pause","by":false}`, Command{}, `field "by" must be`, ""},
		{`[]`, Command{}, "want a JSON object, got an array", ""},
		{``, Command{}, "it is empty", only},
		{"{\"command\":\"model\",\"model\":\"\xe4\"}", Command{}, "not UTF-8", only},
	}
	for _, test := range tests {
		var c Command
		err := parseCommand([]byte(test.payload), &c)
		if err == nil {
			err = c.Check("cap")
		}
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v, want %q", test.payload, err, test.err)
		}
		if w := test.want; err == nil && (!c.Threshold.same(w.Threshold) || !c.Review.same(w.Review) || c.Model != w.Model || c.Count != w.Count || c.ID != w.ID || c.By != w.By) {
			t.Errorf("%s is read as %+v", test.payload, c)
		}
		if test.schema == only {
			continue
		}
		if says := valid(t, schema, []byte(test.payload)); (says == nil) != (err == nil) {
			t.Errorf("%s: the schema says %v, faird %v", test.payload, says, err)
		}
	}
}

// The id is read of a refused command too, wherever it stands.
func TestRefusedCommandsKeepTheirID(t *testing.T) {
	for _, payload := range []string{
		`{"command":"threshold","value":0.7,"id":"c-9"}`, `{"count":{},"command":"save","id":"c-9"}`, `{"id":"c-9","command":"explode"}`,
		`{"id":"c-9","command":"pause"`, `{"id":"c-9","command":"pause","command":"resume"}`, `{"id":"c-9"}`,
	} {
		var c Command
		if err := parseCommand([]byte(payload), &c); err == nil || c.ID != "c-9" || c.Received.IsZero() || c.Digest != Digest([]byte(payload)) {
			t.Errorf("%s: %+v, %v", payload, c, err)
		}
	}
}
