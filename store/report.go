package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// problemLimit bounds the list of a Report.
const problemLimit = 20

// Report is what Verify found.
type Report struct {
	Rows     int64     `json:"rows"`  // checked
	First    int64     `json:"first"` // key of the oldest row there
	Last     int64     `json:"last"`
	Pruned   int64     `json:"pruned"`   // rows given up on purpose, to keep the bound
	Head     Mark      `json:"head"`     // the newest row, worth noting elsewhere
	Problems []Problem `json:"problems"` // changed and missing rows in order, the first twenty
	Bad      int64     `json:"bad"`      // how many problems there are
	// NotedGone is that the noted row is no longer there to be compared: given
	// up since, or among the missing.
	NotedGone bool `json:"noted_gone"`
}

// OK is whether the history is as it was written.
func (r Report) OK() bool { return r.Bad == 0 }

// Problem is a row that is not as it was written, or a run of rows that are missing.
type Problem struct {
	First int64  `json:"first"` // key
	Last  int64  `json:"last"`
	What  string `json:"what"`
	// Of a changed row, as its columns have them now.
	Station  string `json:"station,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	ID       string `json:"id,omitempty"`
}

// What can be wrong with a row.
const (
	wasChanged = "changed"
	isMissing  = "missing"
	notWritten = "not the newest one that was written"
	notNoted   = "not the one that was noted"
)

func (p Problem) String() string {
	switch {
	case p.What == isMissing && p.First < p.Last:
		return fmt.Sprintf("rows %d to %d are missing", p.First, p.Last)
	case p.Station != "":
		return fmt.Sprintf("row %d is %s (station %s, sequence %d, verdict %s)", p.First, p.What, p.Station, p.Sequence, p.ID)
	default:
		return fmt.Sprintf("row %d is %s", p.First, p.What)
	}
}

func (r *Report) changed(w *row) {
	r.problem(Problem{First: w.key, Last: w.key, What: wasChanged, Station: w.station, Sequence: w.sequence, ID: w.id})
}

func (r *Report) missing(first, last int64) {
	r.problem(Problem{First: first, Last: last, What: isMissing})
}

func (r *Report) problem(p Problem) {
	if r.Bad++; len(r.Problems) < problemLimit {
		r.Problems = append(r.Problems, p)
	}
}

// Mark names a row of the chain and, by its hash, everything before it. As text
// it is key:hash.
type Mark struct {
	Key  int64
	Hash []byte
}

// MarshalText implements encoding.TextMarshaler.
func (m Mark) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d:%x", m.Key, m.Hash), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mark) UnmarshalText(text []byte) error {
	number, digits, ok := bytes.Cut(text, []byte{':'})
	key, err := strconv.ParseInt(string(number), 10, 64)
	hash, hexErr := hex.DecodeString(string(digits))
	if !ok || err != nil || hexErr != nil || key < 0 {
		return fmt.Errorf("%q is no mark of the history: write key:hash as faird history verify prints it", text)
	}
	m.Key, m.Hash = key, hash
	return nil
}
