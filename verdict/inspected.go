package verdict

// Inspected is the judgement of one region, where a station inspects several.
// The verdict's own score, thresholds and model are those of the worst.
type Inspected struct {
	Region    string   `json:"region"` // its name in the config
	Verdict   Kind     `json:"verdict"`
	Score     float64  `json:"score"`
	Threshold float64  `json:"threshold"`
	Review    *float64 `json:"review"`
	Model     string   `json:"model"` // "sha256:…" of the model file
}

// Alignment is where the part lay, in camera pixels from its place in the
// reference: right and down are positive.
type Alignment struct {
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Match float64 `json:"match"` // correlation with the mark, 1 is the same
}
