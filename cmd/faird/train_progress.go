package main

import (
	"encoding/json"
	"io"
	"time"

	"faird/train"
)

// The ways in which faird train tells of its progress.
const (
	progressAuto = "auto"
	progressJSON = "json"
)

// tellEvery is the least time between two lines for a program.
const tellEvery = 2 * time.Second

// trainProgress is a line of faird train --progress json.
type trainProgress struct {
	Stage       string  `json:"stage"`
	Done        int     `json:"done"` // pictures or steps
	Total       int     `json:"total"`
	Part        float64 `json:"part"` // of the stage, 0 to 1
	Step        int     `json:"step"`
	Loss        float64 `json:"loss"`
	StepSeconds float64 `json:"step_s"`
	LeftSeconds float64 `json:"left_s"`
}

// tellJSON writes a line at each new stage and every two seconds.
func tellJSON(out io.Writer, now func() time.Time) func(train.Progress) {
	var stage string
	var last time.Time
	return func(p train.Progress) {
		t := now()
		if p.Stage == stage && t.Sub(last) < tellEvery {
			return
		}
		stage, last = p.Stage, t
		_ = json.NewEncoder(out).Encode(map[string]trainProgress{"progress": { // nobody reads any more: no reason to stop
			Stage: p.Stage, Done: p.Done, Total: p.Total, Part: part(p),
			Step: p.Step, Loss: p.Loss, StepSeconds: p.PerStep.Seconds(), LeftSeconds: p.Left.Seconds(),
		}})
	}
}
