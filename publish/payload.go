package publish

import (
	"time"

	"faird/publish/handshake"
	"faird/verdict"
)

// Names of the payload schemas, the values of each payload's "schema".
const (
	BoxV1     = "faird.box/1"
	StationV1 = "faird.station/1"
	ReplyV1   = "faird.reply/1"

	HandshakeV1 = "faird.handshake/1"
)

// BoxState is the retained payload of faird/<site>/<box>/state. Its offline
// form (State, Why and the identity alone) is the connection's will.
type BoxState struct {
	Schema   string                `json:"schema"`
	Site     string                `json:"site"`
	Box      string                `json:"box"`
	State    string                `json:"state"` // online, offline
	Why      string                `json:"why"`   // of offline: stopped, or connection lost
	Version  string                `json:"version"`
	Time     verdict.Time          `json:"time"`              // null in the will
	Stations map[string]StationBit `json:"stations,omitzero"` // by station name
	Broker   *BrokerState          `json:"broker,omitempty"`
	Outbox   *verdict.Waiting      `json:"outbox,omitempty"` // absent without a store
	Inbound  *Inbound              `json:"inbound,omitempty"`
}

// StationBit is what the box's state says of one station.
type StationBit struct {
	Ready bool   `json:"ready"`
	Why   string `json:"why"`
}

// BrokerState is the connection as the box sees it.
type BrokerState struct {
	URL        string       `json:"url"`
	Builtin    bool         `json:"builtin"`
	Since      verdict.Time `json:"since"`      // of this connection
	Reconnects uint64       `json:"reconnects"` // connections lost since the start
	Held       int          `json:"held"`       // verdicts that wait in memory alone, because the disk refused them
	HeldLost   uint64       `json:"held_lost"`  // those of them given up because memory is bounded
}

// Inbound counts what came from PLCs and could not be taken as it was.
type Inbound struct {
	Invalid  uint64 `json:"invalid"`  // triggers and acks that could not be read; each such trigger is answered no_read
	Retained uint64 `json:"retained"` // retained triggers and commands, ignored
	Refused  uint64 `json:"refused"`  // commands refused
}

// StationState is the retained payload of <station>/state. Schema, Site, Box,
// Station and Time are filled in by the publisher.
type StationState struct {
	Schema        string       `json:"schema"`
	Site          string       `json:"site"`
	Box           string       `json:"box"`
	Station       string       `json:"station"`
	Time          verdict.Time `json:"time"`
	Ready         bool         `json:"ready"`
	Why           string       `json:"why"` // why not ready
	Paused        bool         `json:"paused"`
	Camera        CameraState  `json:"camera"`
	Model         string       `json:"model"` // "sha256:…", or ""
	Provider      string       `json:"provider"`
	Trigger       string       `json:"trigger"` // free, interval, mqtt, change, hardware
	Threshold     *float64     `json:"threshold"`
	ThresholdFrom string       `json:"threshold_from"` // override, config, model, or ""
	Review        *float64     `json:"review"`
	Counts        Counts       `json:"counts"`
	Drift         []Drift      `json:"drift,omitempty"` // alarms under way
}

// What drifts.
const (
	DriftBrightness = "brightness"
	DriftScore      = "score" // of good parts
)

// Drift is something measured of every part whose moving average has left its
// control limits.
type Drift struct {
	What   string       `json:"what"`             // brightness (mean level 0..255), score
	Region string       `json:"region,omitempty"` // whose score, where the station has several regions
	Value  float64      `json:"value"`            // the average
	Low    float64      `json:"low"`              // its limits
	High   float64      `json:"high"`
	Since  verdict.Time `json:"since"`
}

// CameraState is a station's camera as the state tells it.
type CameraState struct {
	Connected bool         `json:"connected"`
	Since     verdict.Time `json:"since"`
	Error     string       `json:"error"` // why not connected
	Width     int          `json:"width"`
	Height    int          `json:"height"`
	FPS       float64      `json:"fps"`
}

// Counts of a station since the daemon started.
type Counts struct {
	Pass    uint64 `json:"pass"`
	Fail    uint64 `json:"fail"`
	Review  uint64 `json:"review"`
	NoRead  uint64 `json:"no_read"`
	Frames  uint64 `json:"frames"`  // read from the camera
	Dropped uint64 `json:"dropped"` // frames never judged, because a fresher one came

	TooLate    uint64 `json:"too_late"`    // judgements dropped because the deadline's no_read had gone out
	Lost       uint64 `json:"lost"`        // triggers that not even a no_read answered: they came faster than these
	NotDurable uint64 `json:"not_durable"` // verdicts sent without being on disk, because it refused

	Faults verdict.FaultCounts `json:"faults"` // frames that could not be judged, by kind
}

// Trigger is a PLC's request for a verdict. Every one that reaches the handler
// is owed exactly one verdict.
type Trigger struct {
	ID       string // "" where the PLC gave none: every delivery is then a new trigger
	Part     string
	Time     time.Time // when the PLC sent it, by its clock; zero where it did not say
	Received time.Time // with the monotonic clock
	Err      error     // why the payload cannot be read: to be answered no_read invalid_trigger, with the ID and Part that could be read

	// Level is the PLC's trigger bit, for the handshake; nil: the message is a
	// whole trigger, given and taken back.
	Level *bool
}

// Ack is a PLC's acknowledgement of a result, for the handshake.
type Ack struct {
	ID    string // of the verdict; "" is the result shown, with Level only
	Level *bool  // the PLC's bit; nil: the message is a whole one, given and taken back
}

// HandshakeState is the retained payload of <station>/handshake. Schema, Site,
// Box, Station and Time are filled in by the publisher.
type HandshakeState struct {
	Schema  string       `json:"schema"`
	Site    string       `json:"site"`
	Box     string       `json:"box"`
	Station string       `json:"station"`
	Time    verdict.Time `json:"time"`    // of the change
	Session string       `json:"session"` // another one: the station began anew, with nothing in hand and nothing buffered
	handshake.Status
}

// The commands.
const (
	CommandThreshold = "threshold" // Threshold and Review
	CommandModel     = "model"     // Model: path of a model file on the box
	CommandPause     = "pause"
	CommandResume    = "resume"
	CommandSave      = "save" // Count: how many of the next images to save
)

// Command is what a message on <station>/command asks for, or on command for
// the whole box; command.schema.json is its JSON.
type Command struct {
	ID        string // echoed; one that comes twice within ten minutes is done once
	Command   string // one of the Command constants
	By        string // who asks, as they say
	Threshold Limit  // null: both go back to the config's or the model's
	Review    Limit
	Model     string
	Count     int
	From      string // who sent it as far as the broker knows; "": it does not tell
	Digest    string // of the message it came in, see [Digest]; "": it came in none
	Received  time.Time
}

// Limit is what a command makes of a threshold. The zero value leaves it as it is.
type Limit struct {
	Given bool
	Value *float64 // nil, where given: null
}

// Reply answers a command on …/command/reply. The handler sets OK, Error and
// Detail; the publisher the rest.
type Reply struct {
	Schema  string       `json:"schema"`
	ID      string       `json:"id"` // the command's; "": it has none, or none that can be read
	Command string       `json:"command"`
	Station string       `json:"station"` // "" for the box
	OK      bool         `json:"ok"`
	Error   string       `json:"error"`
	Detail  string       `json:"detail,omitempty"`
	Digest  string       `json:"payload_sha256,omitempty"` // of the message that is answered
	Time    verdict.Time `json:"time"`
}

// Refuse answers a message that is refused before anything of it can be read.
func Refuse(station string, payload []byte, err error) Reply {
	return Reply{
		Schema: ReplyV1, Station: station, Error: err.Error(), Digest: Digest(payload),
		Time: verdict.Time{Time: time.Now()},
	}
}
