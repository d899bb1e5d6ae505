package handshake

import "faird/verdict"

// Status is what the PLC sees: the signals, with the data that goes with them.
type Status struct {
	Ready               bool   `json:"ready"`                // a trigger is taken now
	Why                 string `json:"why"`                  // why the station cannot judge; empty while it is merely busy
	TriggerAck          bool   `json:"trigger_ack"`          // the trigger was taken; falls when it is taken back
	TriggerMissed       bool   `json:"trigger_missed"`       // the newest trigger was not taken: it has its no_read
	Busy                bool   `json:"busy"`                 // exposing or inspecting
	InspectionCompleted bool   `json:"inspection_completed"` // changes with each inspection
	ResultsValid        bool   `json:"results_valid"`        // Result is to be read and acknowledged
	BufferOverrun       bool   `json:"buffer_overrun"`       // a result found no room; falls when one does

	Acquisition Acquisition `json:"acquisition"`
	Result      *Result     `json:"result"` // nil unless ResultsValid
	Buffer      Buffer      `json:"buffer"`
	Counts      Counts      `json:"counts"`
}

// Acquisition is the newest trigger that was taken.
type Acquisition struct {
	Number  uint64          `json:"number"` // counts from 1 since the start; 0: none yet
	Trigger verdict.Trigger `json:"trigger"`
}

// Result is a verdict in brief.
type Result struct {
	Acquisition uint64          `json:"acquisition"` // of the trigger that asked for it; 0: that one was answered without being taken
	ID          string          `json:"id"`          // the verdict's, to be acknowledged
	Sequence    uint64          `json:"sequence"`
	Trigger     verdict.Trigger `json:"trigger"`
	Verdict     verdict.Kind    `json:"verdict"`
	Reason      verdict.Reason  `json:"reason"`
	Score       *float64        `json:"score"`
}

// Buffer is how full the results buffer is.
type Buffer struct {
	Depth int `json:"depth"`
	Used  int `json:"used"` // the result shown is one of them
}

// Counts since the start.
type Counts struct {
	Triggers  uint64 `json:"triggers"`   // taken
	Missed    uint64 `json:"missed"`     // not taken
	Overruns  uint64 `json:"overruns"`   // results that found no room
	Acks      uint64 `json:"acks"`       // results taken by the PLC
	AckErrors uint64 `json:"ack_errors"` // acknowledgements of nothing, or of another result
}
