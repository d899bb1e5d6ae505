package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	named   = regexp.MustCompile(`\btext\.([a-zA-Z_]+(?:\.[a-zA-Z_]+)*)`)
	alias   = regexp.MustCompile(`(?m)^const t = text\.(\w+);`)
	aliased = regexp.MustCompile(`(?:^|[^\w.])t\.([a-zA-Z_]+)`)
)

// astray lists the names that text.js does not have, and its words that nothing
// names.
const astray = `import('/static/js/text.js').then(({ text }) => {
  const found = [], used = new Set();
  for (const path of NAMES) {
    let at = text, way = [];
    for (const step of path.split('.')) {
      if (typeof at !== 'object') break;
      if (!(step in at)) { found.push('not there: ' + path); break; }
      at = at[step];
      way.push(step);
    }
    used.add(way.join('.'));
  }
  (function walk(at, path) {
    for (const [step, value] of Object.entries(at)) {
      const here = path ? path + '.' + step : step;
      if (used.has(here)) continue;
      if (typeof value === 'object' && !Array.isArray(value)) walk(value, here);
      else found.push('said by nobody: ' + here);
    }
  })(text, '');
  return found;
})`

// Every text that a script names is there, seldom shown ones too, and no other.
func TestTexts(t *testing.T) {
	d := line(t, "cap")
	v := open(t, d, panel, "")
	if found := js[[]string](v, strings.Replace(astray, "NAMES", names(t), 1)); len(found) > 0 {
		t.Error(strings.Join(found, "\n"))
	}
}

// names is a list, as JavaScript writes it, of what the scripts name.
func names(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../static/js/*.js")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts found: %v", len(files), err)
	}
	all := []string{"product"}
	for _, file := range files {
		if filepath.Base(file) == "text.js" {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script := strings.ReplaceAll(string(source), "text.js", "")
		of := alias.FindStringSubmatch(script)
		script = alias.ReplaceAllString(script, "")
		for _, m := range named.FindAllStringSubmatch(script, -1) {
			all = append(all, m[1])
		}
		if of != nil {
			for _, m := range aliased.FindAllStringSubmatch(script, -1) {
				all = append(all, of[1]+"."+m[1])
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
