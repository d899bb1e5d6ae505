package verdict

// Check names the rule that an image broke, so that it cannot be judged.
type Check string

// Rules that are measured against a limit, and what Value and Limit of the
// [Measurement] are in each.
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

// Integrity rules: what every image must be before anything of it is measured.
const (
	Damaged     Check = "damaged"      // its data contradict themselves, their checksums, or depend on lost data
	Incomplete  Check = "incomplete"   // a part of it never arrived
	Repeated    Check = "repeated"     // the source has delivered it before
	FormChanged Check = "form_changed" // its size, pixel format or range is not the one the source was opened with
	TooLarge    Check = "too_large"    // beyond the limit on pixels or bytes
)

// Fault is why an image cannot be judged.
type Fault struct {
	Check Check `json:"check"`
	*Measurement
}

// FaultCounts counts frames that must not be judged, by the integrity rule that
// they broke.
type FaultCounts struct {
	Damaged     uint64 `json:"damaged"`
	Incomplete  uint64 `json:"incomplete"`
	Repeated    uint64 `json:"repeated"`
	FormChanged uint64 `json:"form_changed"`
	TooLarge    uint64 `json:"too_large"`
}

// Add counts one frame. A check that is no integrity rule counts nothing.
func (c *FaultCounts) Add(check Check) {
	if n := c.of(check); n != nil {
		*n++
	}
}

// Merge adds what another counted.
func (c *FaultCounts) Merge(more FaultCounts) {
	for check, n := range more.Each {
		*c.of(check) += n
	}
}

// Each yields every rule with its count.
func (c *FaultCounts) Each(yield func(Check, uint64) bool) {
	for _, check := range []Check{Damaged, Incomplete, Repeated, FormChanged, TooLarge} {
		if !yield(check, *c.of(check)) {
			return
		}
	}
}

func (c *FaultCounts) of(check Check) *uint64 {
	switch check {
	case Damaged:
		return &c.Damaged
	case Incomplete:
		return &c.Incomplete
	case Repeated:
		return &c.Repeated
	case FormChanged:
		return &c.FormChanged
	case TooLarge:
		return &c.TooLarge
	}
	return nil
}

// Measurement is what was measured of an image and the limit that it broke. It
// is absent where a rule measures nothing.
type Measurement struct {
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
}

// NewFault is a fault with its measurement.
func NewFault(check Check, value, limit float64) Fault {
	return Fault{Check: check, Measurement: &Measurement{Value: value, Limit: limit}}
}
