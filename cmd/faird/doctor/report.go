package doctor

import (
	"encoding/json"
	"fmt"
	"io"

	"faird/config/redact"
)

// How a check went.
const (
	LevelOK   = "ok"
	LevelWarn = "warn" // works, but not as well as it could
	LevelFail = "fail" // does not work
)

// Finding is one line of what faird doctor says.
type Finding struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Finding string `json:"finding"`
	Advice  string `json:"advice,omitempty"`
	Detail  any    `json:"detail,omitempty"` // figures, where there are some
}

func ok(what string) Finding { return Finding{Status: LevelOK, Finding: what} }
func warn(what, advice string) Finding {
	return Finding{Status: LevelWarn, Finding: what, Advice: advice}
}

func fail(what, advice string) Finding {
	return Finding{Status: LevelFail, Finding: what, Advice: advice}
}

// with adds figures.
func (f Finding) with(detail any) Finding {
	f.Detail = detail
	return f
}

// Diagnosis is the JSON of faird doctor.
type Diagnosis struct {
	Status string    `json:"status"` // the worst
	Checks []Finding `json:"checks"`
}

// add takes a finding in, without the secrets that an error in it may repeat.
func (r *Diagnosis) add(f Finding) {
	f.Finding, f.Advice = redact.Text(f.Finding), redact.Text(f.Advice)
	if text, err := json.Marshal(f.Detail); err == nil && f.Detail != nil {
		f.Detail = json.RawMessage(redact.JSON(text))
	}
	r.Checks = append(r.Checks, f)
	if f.Status == LevelFail || f.Status == LevelWarn && r.Status == LevelOK {
		r.Status = f.Status
	}
}

// Failure is the command's error where something does not work.
func (r *Diagnosis) Failure() error {
	failed := 0
	for _, f := range r.Checks {
		if f.Status == LevelFail {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks failed: do what the lines marked fail advise", failed, len(r.Checks))
}

func (r *Diagnosis) Encode(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *Diagnosis) Print(out io.Writer) error {
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
