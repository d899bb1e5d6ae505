package config

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"faird/config/redact"
)

// Station is one camera with its trigger, region of interest, model and thresholds.
type Station struct {
	Name       string   `mapstructure:"name"`
	Camera     Camera   `mapstructure:"camera"`
	Trigger    Trigger  `mapstructure:"trigger"`
	Model      string   `mapstructure:"model"`     // file, or DemoModel
	Threshold  *float64 `mapstructure:"threshold"` // nil: the model's
	Review     *float64 `mapstructure:"review"`    // nil: the model's, or none
	ROI        *Rect    `mapstructure:"roi"`       // camera pixels; nil is the whole picture
	IgnoreMask string   `mapstructure:"ignore_mask"`
	Rotate     float64  `mapstructure:"rotate"`  // degrees clockwise
	Flip       string   `mapstructure:"flip"`    // none, horizontal, vertical, both; after the rotation
	Tiles      *Tiles   `mapstructure:"tiles"`   // nil: the region is inspected as a whole
	Align      *Align   `mapstructure:"align"`   // nil: the part is where it should be
	Regions    []Region `mapstructure:"regions"` // in place of all these: several regions, one verdict
	Validity   Validity `mapstructure:"validity"`
	Drift      Drift    `mapstructure:"drift"`
	Shadow     string   `mapstructure:"shadow"`     // name of a model in store.path/models that judges beside; "": none
	OnStorage  string   `mapstructure:"on_storage"` // publish (durable: false) or no_read, while the disk refuses

	Ack       string    `mapstructure:"ack"` // broker, or AckRequired
	Handshake Handshake `mapstructure:"handshake"`
}

// DemoModel in place of a model file is the model inside the program, made for
// the simulated line (camera demo://).
const DemoModel = "demo"

// Camera says where frames come from and how long to wait for them.
type Camera struct {
	URL         string        `mapstructure:"url"` // may hold a password: log it through redact.URL
	OpenTimeout time.Duration `mapstructure:"open_timeout"`
	ReadTimeout time.Duration `mapstructure:"read_timeout"`
	BackoffMin  time.Duration `mapstructure:"backoff_min"`
	BackoffMax  time.Duration `mapstructure:"backoff_max"`
	MaxPixels   int           `mapstructure:"max_pixels"` // largest image that is read
}

// String implements fmt.Stringer, without the URL's password.
func (c Camera) String() string {
	return fmt.Sprintf("{%s open %s read %s backoff %s..%s}",
		redact.URL(c.URL), c.OpenTimeout, c.ReadTimeout, c.BackoffMin, c.BackoffMax)
}

// Format implements fmt.Formatter: no verb shows the password.
func (c Camera) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON implements json.Marshaler, without the URL's password.
func (c Camera) MarshalJSON() ([]byte, error) {
	type plain Camera
	c.URL = redact.URL(c.URL)
	return json.Marshal(plain(c))
}

// MaxMaxPixels is the highest limit on an image: where OpenCV's own begin.
const MaxMaxPixels = 1 << 30

// DefaultMaxPixels bounds an image where nothing else is configured. It covers
// the largest area-scan sensors in common use.
const DefaultMaxPixels = 100_000_000

// Trigger says what asks for a verdict.
type Trigger struct {
	Mode     string        `mapstructure:"mode"`     // free, interval, mqtt, change, hardware
	Interval time.Duration `mapstructure:"interval"` // for mode interval
	Deadline time.Duration `mapstructure:"deadline"` // from trigger to verdict
	Change   Change        `mapstructure:"change"`   // for mode change
}

// Rect is a rectangle in camera pixels.
type Rect struct {
	X int `mapstructure:"x"`
	Y int `mapstructure:"y"`
	W int `mapstructure:"w"`
	H int `mapstructure:"h"`
}

// DefaultStation is what a station is that names none of its keys. It still
// needs a name, a camera and a model.
func DefaultStation() Station {
	return Station{
		Camera: Camera{
			OpenTimeout: 10 * time.Second,
			ReadTimeout: 2 * time.Second,
			BackoffMin:  500 * time.Millisecond,
			BackoffMax:  time.Second,
			MaxPixels:   DefaultMaxPixels,
		},
		Trigger:   Trigger{Mode: "free", Deadline: 2 * time.Second, Change: defaultChange()},
		Validity:  Validity{Frozen: 10 * time.Second},
		Drift:     Drift{Weight: 0.05, Width: 5},
		Flip:      noFlip,
		OnStorage: "publish",
		Ack:       "broker",
		Handshake: defaultHandshake(),
	}
}

func (k *checker) stations(stations []Station) {
	if len(stations) == 0 {
		k.warn("stations", "none, so nothing is inspected", "add one as faird.yaml shows")
	}
	first := map[string]bool{}
	for i, s := range stations {
		key := k.item("stations", i)
		k.stationName(key+".name", s.Name, first)
		k.camera(key+".camera", s.Camera)
		k.trigger(key+".trigger", s.Trigger)
		k.limits(key, s.Threshold, s.Review)
		k.geometry(key, &s)
		k.validity(key+".validity", s.Validity)
		k.drift(key+".drift", s.Drift)
		k.shadow(key+".shadow", &s)
		k.oneOf(key+".on_storage", s.OnStorage, "publish", "no_read")
		if s.Model == "" && len(s.Regions) == 0 {
			k.bad(key+".model", "missing", "name a model file (faird train makes one), or "+DemoModel)
		}
	}
}

func (k *checker) camera(key string, c Camera) {
	if c.URL == "" {
		k.bad(key+".url", "missing", "say where pictures come from, such as v4l2:///dev/video0 or demo://")
	}
	k.positive(key+".open_timeout", c.OpenTimeout)
	k.positive(key+".read_timeout", c.ReadTimeout)
	k.positive(key+".backoff_min", c.BackoffMin)
	if c.BackoffMax < c.BackoffMin {
		k.bad(key+".backoff_max", fmt.Sprintf("%s is below backoff_min %s", c.BackoffMax, c.BackoffMin), "raise backoff_max")
	}
	if c.MaxPixels < 1 || c.MaxPixels > MaxMaxPixels {
		k.bad(key+".max_pixels", fmt.Sprintf("%d is out of range", c.MaxPixels), fmt.Sprintf("give a number of pixels from 1 to %d, such as %d", MaxMaxPixels, DefaultMaxPixels))
	}
}

func (k *checker) trigger(key string, t Trigger) {
	k.oneOf(key+".mode", t.Mode, "free", "interval", "mqtt", "change", "hardware")
	if t.Deadline == 0 {
		k.bad(key+".deadline", "missing", "say how long a trigger may wait for its verdict, such as 2s")
	}
	k.positive(key+".deadline", t.Deadline)
	k.change(key+".change", t.Change)
	if t.Mode == "change" && t.Change.Delay >= t.Deadline {
		k.bad(key+".change.delay", fmt.Sprintf("%s is not below the deadline %s", t.Change.Delay, t.Deadline), "raise trigger.deadline")
	}
	switch {
	case t.Interval < 0:
		k.positive(key+".interval", t.Interval)
	case t.Mode == "interval" && t.Interval == 0:
		k.bad(key+".interval", "missing, and trigger.mode is interval", "say how often to inspect, such as 500ms")
	case t.Mode != "interval" && t.Interval != 0:
		k.warn(key+".interval", fmt.Sprintf("has no effect with trigger.mode %s", t.Mode), "take it out, or set mode to interval")
	}
}

func (k *checker) limits(key string, threshold, review *float64) {
	k.score(key+".threshold", threshold)
	k.score(key+".review", review)
	if threshold != nil && review != nil && *review > *threshold {
		k.bad(key+".review", fmt.Sprintf("%g is above threshold %g", *review, *threshold), "lower review, or raise threshold")
	}
}

func (k *checker) score(key string, v *float64) {
	if v != nil && (*v <= 0 || math.IsInf(*v, 0) || math.IsNaN(*v)) {
		k.bad(key, fmt.Sprintf("%g is out of range", *v), "give a score above 0, such as 0.14")
	}
}

func (k *checker) roi(key string, r *Rect) {
	switch {
	case r == nil:
	case r.X < 0 || r.Y < 0:
		k.bad(key, fmt.Sprintf("starts at %d,%d, outside the picture", r.X, r.Y), "give x and y of 0 or more, in camera pixels")
	case r.W <= 0 || r.H <= 0:
		k.bad(key, fmt.Sprintf("%dx%d pixels hold no picture", r.W, r.H), "give w and h above 0, in camera pixels")
	}
}
