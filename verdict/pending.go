package verdict

// Pending is a stored verdict that the broker has not acknowledged yet.
type Pending struct {
	Key     int64 // order of the commits; grows, is never used twice
	Station string
	Payload []byte // JSON of the verdict as it was decided: historical is false
}

// Waiting is what the box's state tells of the verdicts that wait for the broker.
type Waiting struct {
	Rows    int64  `json:"rows"`    // verdicts not yet acknowledged
	Bytes   int64  `json:"bytes"`   // their payloads
	Oldest  Time   `json:"oldest"`  // when the oldest was decided; null where none waits
	Dropped uint64 `json:"dropped"` // given up since the start because the store was full, or for their age
	Error   string `json:"error"`   // why the disk refuses; "" where it does not
}
