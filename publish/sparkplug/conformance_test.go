package sparkplug

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page holds the table of assertions that this file holds to the truth.
const page = "../../docs/sparkplug.md"

// reasons are why an assertion may have no test: it is not an edge node's.
var reasons = map[string]bool{"host": true, "server": true, "not used": true, "MQTT 5": true, "operator": true}

var (
	row      = regexp.MustCompile("(?m)^\\| `(tck-id-[A-Za-z0-9_-]+)` \\| (.+) \\|$")
	testName = regexp.MustCompile("^`(Test[A-Za-z0-9]+)`$")
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(t \*testing\.T\)`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEveryAssertionIsInTheTable(t *testing.T) {
	listed := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(read(t, page), -1) {
		if _, twice := listed[m[1]]; twice {
			t.Errorf("%s is in the table twice", m[1])
		}
		listed[m[1]] = m[2]
	}
	asserted := 0
	for line := range strings.Lines(read(t, "testdata/tck-ids.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		_, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		if asserted++; listed[id] == "" {
			t.Errorf("%s of the specification is not in the table", id)
		}
		delete(listed, id)
	}
	if asserted != 299 {
		t.Errorf("%d assertions are listed, the specification has 299", asserted)
	}
	for id := range listed {
		t.Errorf("%s is in the table, but not in the specification", id)
	}
}

func TestEveryTestOfTheTableExists(t *testing.T) {
	exists := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, m := range testFunc.FindAllStringSubmatch(read(t, file), -1) {
			exists[m[1]] = true
		}
	}
	shown := 0
	for _, m := range row.FindAllStringSubmatch(read(t, page), -1) {
		if reasons[m[2]] {
			continue
		}
		shown++
		for name := range strings.SplitSeq(m[2], ", ") {
			test := testName.FindStringSubmatch(name)
			if test == nil || !exists[test[1]] {
				t.Errorf("%s is said to be shown by %s, which is no test here", m[1], name)
			}
		}
	}
	if shown < 150 {
		t.Errorf("%d assertions have a test", shown)
	}
}
