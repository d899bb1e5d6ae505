package handshake

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/handshake.md"

// rows are the transitions of one half as the page's table shows them.
func rows(of func(State) bool) string {
	b := &strings.Builder{}
	fmt.Fprint(b, "| from | event | if | to | does |\n|---|---|---|---|---|\n")
	for _, r := range Table {
		if !of(r.From) {
			continue
		}
		var does []string
		for _, a := range r.Does {
			does = append(does, string(a))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", r.From, r.Event, r.If, r.To, strings.Join(does, "; "))
	}
	return b.String()
}

// diagram is the same as a Mermaid state diagram.
func diagram(of func(State) bool, first State) string {
	b := &strings.Builder{}
	name := func(s State) string { return strings.ReplaceAll(string(s), " ", "_") }
	fmt.Fprintf(b, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", name(first))
	for _, r := range Table {
		if !of(r.From) {
			continue
		}
		guard := ""
		if r.If != "" {
			guard = fmt.Sprintf(" [%s]", r.If)
		}
		fmt.Fprintf(b, "    %s --> %s : %s%s\n", name(r.From), name(r.To), r.Event, guard)
	}
	fmt.Fprint(b, "```\n")
	return b.String()
}

// bits are the signals of every state.
func bits() string {
	b := &strings.Builder{}
	fmt.Fprint(b, "| state | ready | trigger_ack | busy | results_valid |\n|---|---|---|---|---|\n")
	mark := map[bool]string{true: "1", false: "0"}
	for _, s := range []State{NotReady, Ready, Triggered, Busy, Held} {
		x := signals[s]
		fmt.Fprintf(b, "| %s | %s | %s | %s | |\n", s, mark[x.ready], mark[x.triggerAck], mark[x.busy])
	}
	for _, s := range []State{Empty, Valid, Acknowledged} {
		fmt.Fprintf(b, "| %s | | | | %s |\n", s, mark[signals[s].resultsValid])
	}
	return b.String()
}

// TestPageShowsTheTable holds that docs/handshake.md and the code are one.
func TestPageShowsTheTable(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	results := func(s State) bool { return s == Empty || s == Valid || s == Acknowledged }
	acquisition := func(s State) bool { return !results(s) }
	for name, want := range map[string]string{
		"acquisition table": rows(acquisition), "results table": rows(results), "signals": bits(),
		"acquisition diagram": diagram(acquisition, NotReady), "results diagram": diagram(results, Empty),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: %s is to hold:\n%s", name, page, want)
		}
	}
}

// TestPageNamesEverySignal holds that each key of the status is explained, and
// that the example is a status.
func TestPageNamesEverySignal(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for f := range reflect.TypeFor[Status]().Fields() {
		if key := f.Tag.Get("json"); !strings.Contains(string(text), "| `"+key+"` |") {
			t.Errorf("%s has no row for %s", page, key)
		}
	}
	example := regexp.MustCompile("(?s)```json\n(\\{\"schema\":\"faird.handshake/1\".*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatalf("%s has no example", page)
	}
	var s struct {
		Session string
		Status
	}
	if err := json.Unmarshal(example[1], &s); err != nil || s.Result == nil || !s.ResultsValid || s.Session == "" {
		t.Errorf("the example is no status: %v", err)
	}
}
