// Package verdict says what a verdict is: the judgement of one picture, or the
// reason why there is none, as it is stored, published and shown. It imports
// nothing of the project, and nothing here decides or delivers anything.
package verdict

import (
	_ "embed"
	"time"
)

// SchemaV1 is the value of [Verdict.Schema] and the name of the JSON Schema in [Schema].
const SchemaV1 = "faird.verdict/1"

// Schema is the JSON Schema (draft 2020-12) that every published verdict satisfies.
//
//go:embed verdict.schema.json
var Schema []byte

// Kind is the judgement itself, the bare word that PLCs read.
type Kind string

// The four judgements. NoRead means that no valid picture was judged by the
// deadline; it is an answer, never an error that is swallowed.
const (
	Pass   Kind = "pass"
	Fail   Kind = "fail"
	Review Kind = "review"
	NoRead Kind = "no_read"
)

// Reason says why a verdict is [NoRead]. It is empty for every other kind.
type Reason string

// The reasons of a no_read.
const (
	NoFrame        Reason = "no_frame"        // the camera gave no picture before the deadline
	CameraLost     Reason = "camera_lost"     // the camera is not connected
	Late           Reason = "late"            // the picture was judged after the deadline
	Overrun        Reason = "overrun"         // the station was still busy with an earlier trigger
	InvalidPicture Reason = "invalid_picture" // the picture cannot be judged: see Detail
	NotReady       Reason = "not_ready"       // the model or the golden check is not in order
	Paused         Reason = "paused"          // somebody paused the station
	Stale          Reason = "stale"           // the trigger was older than its deadline when it came
	Storage        Reason = "storage"         // the disk refuses and the station is set to refuse too
	Stopping       Reason = "stopping"        // the daemon is going down
	Internal       Reason = "internal"        // the network or the scoring failed: see Detail
	InvalidTrigger Reason = "invalid_trigger" // the trigger's payload cannot be read: see Detail
)

// Verdict is the judgement of one picture. Field order is the published order.
type Verdict struct {
	Schema    string   `json:"schema"`
	ID        string   `json:"id"` // ULID; equal ids are one verdict delivered twice
	Site      string   `json:"site"`
	Box       string   `json:"box"`
	Station   string   `json:"station"`
	Sequence  uint64   `json:"sequence"` // counts this station's verdicts from 1; survives restarts where there is a store
	Trigger   *Trigger `json:"trigger"`  // nil in free run
	Verdict   Kind     `json:"verdict"`
	Reason    Reason   `json:"reason"`           // empty but for no_read
	Detail    string   `json:"detail,omitempty"` // for people: the measured value and its limit, or the error
	Fault     *Fault   `json:"fault,omitempty"`  // of an invalid_picture: the rule that the image broke
	Score     *float64 `json:"score"`            // maximum of the smoothed anomaly map (eq. 10); nil for no_read
	Threshold *float64 `json:"threshold"`        // score >= threshold is fail; nil where none was in force
	Review    *float64 `json:"review"`           // score >= review is at least review; nil where not set
	Regions   []Region `json:"regions"`          // never null; largest peak first

	Inspected []Inspected `json:"inspected,omitempty"` // where a station has several regions: each one's judgement
	Alignment *Alignment  `json:"alignment,omitempty"` // where a station looks for a mark: where it was

	Time       Times  `json:"time"`
	StagesMS   Stages `json:"stages_ms"`
	Model      string `json:"model"`  // "sha256:…" of the model file, or ""
	Config     string `json:"config"` // "sha256:…" of the config in force
	Provider   string `json:"provider"`
	Source     string `json:"source,omitempty"` // the picture's file name, where it came from a file
	Historical bool   `json:"historical"`       // sent from the backlog, not as it was decided
	Durable    bool   `json:"durable"`          // was on disk before it was sent
}

// Trigger is what asked for the verdict.
type Trigger struct {
	ID   string `json:"id"`   // echoed; "" where the PLC gave none
	Part string `json:"part"` // echoed; "" where the PLC gave none
}

// Region is one defect: an 8-connected part of the anomaly map at or above the
// lower of the two thresholds. The box and area are in the camera's pixels.
type Region struct {
	X         int     `json:"x"`
	Y         int     `json:"y"`
	W         int     `json:"w"`
	H         int     `json:"h"`
	Area      int     `json:"area"`             // camera pixels, at least 1
	Peak      float64 `json:"peak"`             // maximum of the anomaly map within
	Structure float64 `json:"structure"`        // share 0..1 of the gradient term (eq. 8) in the region's anomaly
	Colour    float64 `json:"colour"`           // 1 - Structure: share of the colour term (eq. 9)
	In        string  `json:"region,omitempty"` // of Inspected: the one it is in
}

// Clock says how far the wall clock behind [Times] is to be trusted.
type Clock string

// Clock states.
const (
	Synchronised   Clock = "synchronised"
	Unsynchronised Clock = "unsynchronised"
	ClockUnknown   Clock = "unknown"
)

// Exposure says how the capture time is known.
type Exposure string

// How a capture time is known.
const (
	Measured  Exposure = "measured"  // the camera, or the file's own record, told it
	Estimated Exposure = "estimated" // the time at which the picture reached the host
)

// Times are wall-clock times in UTC with microseconds, as RFC 3339.
type Times struct {
	Captured Time     `json:"captured"` // zero time is null: no picture
	Decided  Time     `json:"decided"`
	Clock    Clock    `json:"clock"`
	Exposure Exposure `json:"exposure"`
}

// Stages are durations in milliseconds, taken from the monotonic clock.
type Stages struct {
	Wait    float64 `json:"wait"`    // from the capture (or the trigger) to the start of work, and for processor cores
	Prepare float64 `json:"prepare"` // region of interest, resize, high-pass
	Restore float64 `json:"restore"` // the network
	Score   float64 `json:"score"`   // maps, smoothing, regions
}

// Judge applies the thresholds to a score: below review pass, below threshold
// review, else fail. With no review threshold there are two bands; a threshold
// must be there. A score that is not a number is a fail: nothing unjudged passes.
func Judge(score, threshold float64, review *float64) Kind {
	switch {
	case score < threshold && (review == nil || score < *review):
		return Pass
	case score < threshold:
		return Review
	default:
		return Fail
	}
}

// Time is a wall-clock time that marshals as RFC 3339 in UTC with exactly
// microseconds, and as null when zero.
type Time struct{ time.Time }

const timeLayout = `"2006-01-02T15:04:05.000000Z"`

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(timeLayout)), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(data)
}

// Millis is a duration in milliseconds as the JSON carries it.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
