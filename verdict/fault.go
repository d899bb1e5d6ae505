package verdict

// Check names what was looked at to see whether a picture is worth a score.
type Check string

// The checks, and what Value and Limit of a [Fault] are in each.
const (
	Frozen      Check = "frozen"       // seconds without a change of any pixel
	Black       Check = "black"        // share 0..1 of dark pixels
	Saturated   Check = "saturated"    // share 0..1 of saturated pixels
	Blurred     Check = "blurred"      // sharpness, per pixel at the model's size
	Size        Check = "size"         // width over height
	ColourOrder Check = "colour_order" // agreement -1..1 with the colours of good pictures
	Brightness  Check = "brightness"   // mean level 0..255
	Mark        Check = "mark"         // correlation -1..1 with the reference mark
	Shift       Check = "shift"        // camera pixels from the part's place, the larger of x and y
)

// Fault is why a picture is not worth a score: what was measured, and the limit
// that it broke.
type Fault struct {
	Check Check   `json:"check"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
}
