// Package training makes a station's next model on the box that it runs on: it
// gathers good pictures, has faird itself train on them as a process of
// low priority, and holds the result beside the model in use. It puts no
// model in place, and takes from the line what the line does not need.
package training

import (
	"time"

	"faird/eval"
	"faird/store"
)

// Phase is what a job is at.
type Phase string

// The phases. The last three are ends.
const (
	Collecting Phase = "collecting"
	Training   Phase = "training"
	Evaluating Phase = "evaluating"
	Done       Phase = "done"
	Failed     Phase = "failed"
	Cancelled  Phase = "cancelled"
)

// Ended says whether nothing more happens.
func (p Phase) Ended() bool { return p == Done || p == Failed || p == Cancelled }

// Source is where the good pictures come from.
type Source string

// The sources.
const (
	Marked     Source = "marked"      // those that people marked good
	Passes     Source = "passes"      // and kept passes that nobody has marked
	LivePassed Source = "live_passed" // the next parts that pass
	LiveAny    Source = "live_any"    // the next parts, all of which are good
)

// Order is what somebody asks for.
type Order struct {
	Station  string  `json:"station"`
	Source   Source  `json:"source"`
	Pictures int     `json:"pictures"` // to train on, at most
	Minutes  float64 `json:"minutes"`  // of training
	Width    int     `json:"width"`    // of the network
	Size     string  `json:"size"`     // of the model's pictures, "" as that of the model in use
	Steps    int     `json:"steps"`    // in place of minutes; 0: none
}

// Progress is how far a phase is.
type Progress struct {
	Stage       string  `json:"stage"` // of a training, as faird train tells it
	Done        int     `json:"done"`
	Total       int     `json:"total"`
	Part        float64 `json:"part"` // 0 to 1
	Step        int     `json:"step"`
	Loss        float64 `json:"loss"`
	StepSeconds float64 `json:"step_s"`
	LeftSeconds float64 `json:"left_s"`
}

// Result is the model that was made.
type Result struct {
	File      string  `json:"file"` // on the box
	Model     string  `json:"model"`
	Threshold float64 `json:"threshold"`
	Pictures  int     `json:"pictures"` // trained on, those not counted that the threshold is from
	Parts     int     `json:"parts"`    // that all of them show, near-duplicates one; 0: not known, of an older job
	Steps     int     `json:"steps"`
}

// Reviewed is a picture with its truth, as both models score it.
type Reviewed struct {
	ID      string      `json:"id"`
	Truth   store.Truth `json:"truth"`
	Present *float64    `json:"present"`
	Trained *float64    `json:"trained"`
}

// Comparison is both models on pictures that people have marked and the new one
// has not been trained on.
type Comparison struct {
	Good     int          `json:"good"`
	Defect   int          `json:"defect"`
	Present  eval.Figures `json:"present"`
	Trained  eval.Figures `json:"trained"`
	Pictures []Reviewed   `json:"pictures"`
}

// Job is one training, from the order to the model. What it says is on disk, so
// that it goes on where it was after a restart.
type Job struct {
	Order
	ID         string      `json:"id"`
	Who        string      `json:"who"`
	Started    time.Time   `json:"started"`
	Ended      time.Time   `json:"ended"` // zero while it works
	Phase      Phase       `json:"phase"`
	Precision  string      `json:"precision"` // wanted of the model, as faird train's
	Gathered   int         `json:"gathered"`  // parts whose pictures it has
	Progress   Progress    `json:"progress"`
	Priority   string      `json:"priority"` // that its process has
	Error      string      `json:"error"`
	Result     *Result     `json:"result"`
	Comparison *Comparison `json:"comparison"`
	Log        []string    `json:"log"` // last lines
}
