package web

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"faird/pipeline"
	"faird/publish"
	"faird/verdict"
)

var metricName = regexp.MustCompile(`\bfaird_[a-z_]+\b`)

// What the dashboard and the alerts ask for is what a box gives.
func TestDashboardAndAlertsAskForWhatThereIs(t *testing.T) {
	w := newWorld(t, nil)
	w.server.Trials = &fakeTrials{trial: pipeline.Trial{Shadow: &pipeline.ShadowState{Name: "b"}}}
	w.broker.builtin = &publish.BuiltinStatus{Limits: []publish.Use{{Limit: "sockets", Kept: true}}}
	w.decide("cap", verdict.Fail, 0.9)
	_, body := w.browser().get("/metrics")
	have := map[string]bool{}
	for _, name := range metricName.FindAllString(string(body), -1) {
		have[name] = true
	}
	for _, path := range []string{"../deploy/grafana/faird.json", "../deploy/prometheus/faird.rules.yml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := metricName.FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics", path, len(names))
		}
		for _, name := range names {
			if !have[name] {
				t.Errorf("%s asks for %s, which there is not", path, name)
			}
		}
	}
}

func TestDashboardAndAlertsCanBeRead(t *testing.T) {
	text, err := os.ReadFile("../deploy/grafana/faird.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
			GridPos struct{ W, H int }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.GridPos.W == 0 {
			t.Errorf("panel %+v", p)
		}
	}
	if text, err = os.ReadFile("../deploy/prometheus/faird.rules.yml"); err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Record, Expr string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		balanced := strings.Count(r.Expr, "(") == strings.Count(r.Expr, ")") && strings.Count(r.Expr, "{") == strings.Count(r.Expr, "}")
		if r.Expr == "" || !balanced || r.Alert != "" && (r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["action"] == "") {
			t.Errorf("rule %+v", r)
		}
	}
}
