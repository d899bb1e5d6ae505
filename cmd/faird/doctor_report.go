package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// How a check went.
const (
	levelOK   = "ok"
	levelWarn = "warn" // works, but not as well as it could
	levelFail = "fail" // does not work
)

// finding is one line of what faird doctor says.
type finding struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Finding string `json:"finding"`
	Advice  string `json:"advice,omitempty"`
	Detail  any    `json:"detail,omitempty"` // figures, where there are some
}

func ok(what string) finding { return finding{Status: levelOK, Finding: what} }
func warn(what, advice string) finding {
	return finding{Status: levelWarn, Finding: what, Advice: advice}
}

func fail(what, advice string) finding {
	return finding{Status: levelFail, Finding: what, Advice: advice}
}

// with adds figures.
func (f finding) with(detail any) finding {
	f.Detail = detail
	return f
}

// diagnosis is the JSON of faird doctor.
type diagnosis struct {
	Status string    `json:"status"` // the worst
	Checks []finding `json:"checks"`
}

func (r *diagnosis) add(f finding) {
	r.Checks = append(r.Checks, f)
	if f.Status == levelFail || f.Status == levelWarn && r.Status == levelOK {
		r.Status = f.Status
	}
}

// failure is the command's error where something does not work.
func (r *diagnosis) failure() error {
	failed := 0
	for _, f := range r.Checks {
		if f.Status == levelFail {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks failed: do what the lines marked fail advise", failed, len(r.Checks))
}

func (r *diagnosis) encode(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *diagnosis) print(out io.Writer) error {
	for _, f := range r.Checks {
		if _, err := fmt.Fprintf(out, "%-5s %s: %s\n", f.Status, f.Name, f.Finding); err != nil {
			return err
		}
		if f.Advice == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "      -> %s\n", f.Advice); err != nil {
			return err
		}
	}
	return nil
}
