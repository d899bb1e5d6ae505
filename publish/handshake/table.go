package handshake

// State of one of the machine's two halves, which run side by side.
type State string

// States of the acquisition, and of the results.
const (
	NotReady  State = "not ready"
	Ready     State = "ready"
	Triggered State = "triggered" // inspecting; the PLC holds its trigger
	Busy      State = "busy"      // inspecting; the trigger is taken back
	Held      State = "held"      // inspected; the trigger is not taken back yet

	Empty        State = "empty"
	Valid        State = "valid"        // the oldest result is shown
	Acknowledged State = "acknowledged" // it was taken; the acknowledgement is not taken back yet
)

// Event is an edge of a signal, or what the station did.
type Event string

// Events of the acquisition, and of the results.
const (
	StationReady    Event = "station ready"
	StationNotReady Event = "station not ready"
	Trigger         Event = "trigger"
	TriggerOff      Event = "trigger off"
	TriggerRefused  Event = "trigger refused" // paused, stale, unreadable: answered no_read at once
	Inspected       Event = "inspected"       // the verdict is decided
	AnsweredBefore  Event = "answered before" // a trigger whose id has its verdict already

	NewResult Event = "result"
	Ack       Event = "ack"
	AckOff    Event = "ack off"
)

// Guard is a condition; the empty one holds.
type Guard string

// Guards of the acquisition, and of the results.
const (
	IfReady    Guard = "station is ready"
	IfNotReady Guard = "station is not ready"

	IfHere    Guard = "result is in the buffer"
	IfRoom    Guard = "buffer has room"
	IfFull    Guard = "buffer is full"
	IfShown   Guard = "it names the result shown"
	IfAnother Guard = "it names another"
	IfMore    Guard = "buffer holds more"
	IfNoMore  Guard = "buffer is empty"
)

// Action is what a transition does beside changing the state.
type Action string

// The actions.
const (
	Acquire  Action = "counts the trigger, clears trigger_missed"
	Miss     Action = "sets trigger_missed"
	Complete Action = "toggles inspection_completed"
	Offer    Action = "hands over the result"

	Keep     Action = "buffers it, clears buffer_overrun"
	Overrun  Action = "sets buffer_overrun; the result is not buffered"
	Take     Action = "takes it from the buffer"
	AckError Action = "counts an ack_error"
)

// Row is one transition.
type Row struct {
	From  State
	Event Event
	If    Guard
	To    State
	Does  []Action
}

// Table is the machine: it does what the first row says whose state, event and
// guard fit. What is not listed changes nothing. docs/handshake.md shows the
// same rows.
var Table = []Row{
	{NotReady, StationReady, "", Ready, nil},
	{NotReady, Trigger, "", NotReady, []Action{Miss}},
	{NotReady, AnsweredBefore, "", NotReady, []Action{Offer}},
	{Ready, StationNotReady, "", NotReady, nil},
	{Ready, Trigger, "", Triggered, []Action{Acquire}},
	{Ready, TriggerRefused, "", Ready, []Action{Miss}},
	{Ready, AnsweredBefore, "", Held, []Action{Acquire, Complete, Offer}},
	{Triggered, TriggerOff, "", Busy, nil},
	{Triggered, Trigger, "", Triggered, []Action{Miss}},
	{Triggered, Inspected, "", Held, []Action{Complete, Offer}},
	{Triggered, AnsweredBefore, "", Triggered, []Action{Offer}},
	{Busy, Trigger, "", Busy, []Action{Miss}},
	{Busy, Inspected, IfReady, Ready, []Action{Complete, Offer}},
	{Busy, Inspected, IfNotReady, NotReady, []Action{Complete, Offer}},
	{Busy, AnsweredBefore, "", Busy, []Action{Offer}},
	{Held, Trigger, "", Held, []Action{Miss}},
	{Held, TriggerOff, IfReady, Ready, nil},
	{Held, TriggerOff, IfNotReady, NotReady, nil},
	{Held, AnsweredBefore, "", Held, []Action{Offer}},

	{Empty, NewResult, "", Valid, []Action{Keep}},
	{Empty, Ack, "", Acknowledged, []Action{AckError}},
	{Valid, NewResult, IfHere, Valid, nil},
	{Valid, NewResult, IfRoom, Valid, []Action{Keep}},
	{Valid, NewResult, IfFull, Valid, []Action{Overrun}},
	{Valid, Ack, IfShown, Acknowledged, []Action{Take}},
	{Valid, Ack, IfAnother, Valid, []Action{AckError}},
	{Acknowledged, NewResult, IfHere, Acknowledged, nil},
	{Acknowledged, NewResult, IfRoom, Acknowledged, []Action{Keep}},
	{Acknowledged, NewResult, IfFull, Acknowledged, []Action{Overrun}},
	{Acknowledged, AckOff, IfMore, Valid, nil},
	{Acknowledged, AckOff, IfNoMore, Empty, nil},
}

// signals are the bits of a state.
var signals = map[State]struct{ ready, triggerAck, busy, resultsValid bool }{
	NotReady:     {},
	Ready:        {ready: true},
	Triggered:    {triggerAck: true, busy: true},
	Busy:         {busy: true},
	Held:         {triggerAck: true},
	Empty:        {},
	Valid:        {resultsValid: true},
	Acknowledged: {},
}
