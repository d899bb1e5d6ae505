package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"faird/train"
	"faird/train/fit"
)

// A program is told of every stage, and of a long one every two seconds.
func TestProgressForPrograms(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	tell := tellJSON(&b, func() time.Time { return now })
	tell(train.Progress{Stage: train.Reading, Done: 1, Total: 4})
	tell(train.Progress{Stage: train.Reading, Done: 2, Total: 4})
	for range 5 {
		tell(train.Progress{Stage: train.Training, Done: 3, Progress: fit.Progress{Step: 3, Part: 0.25, Loss: 0.5, PerStep: time.Second, Left: 9 * time.Second}})
		now = now.Add(time.Second)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines: %s", len(lines), b.String())
	}
	var last struct{ Progress trainProgress }
	if err := json.Unmarshal([]byte(lines[3]), &last); err != nil {
		t.Fatal(err)
	}
	if want := (trainProgress{Stage: train.Training, Done: 3, Part: 0.25, Step: 3, Loss: 0.5, StepSeconds: 1, LeftSeconds: 9}); last.Progress != want {
		t.Errorf("%+v, want %+v", last.Progress, want)
	}
}

func TestTrainOptionsForPrograms(t *testing.T) {
	for _, args := range [][]string{{"--progress", "yaml"}, {"--threads", "-1"}} {
		if code, _, errs := run(t, t.TempDir(), append([]string{"train", "--good", "g", "--out", "m.onnx"}, args...)...); code != exitUsage || !strings.Contains(errs, args[0]) {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
}
