package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/fair"
	"faird/infer"
	"faird/model"
	"faird/model/unet"
	"faird/train/calibrate"
	"faird/train/defect"
	"faird/train/fit"
)

// Options are one training.
type Options struct {
	Good     string // folder of good pictures, searched with all its subfolders
	Textures string // folder of texture pictures; "" takes the good pictures as textures

	MaxPixels int // of a picture file; 0: the default

	Base          int // width of the network: channels of its first level, 8 to 128
	Width, Height int // of the model's pictures, in pixels, multiples of 16
	Filter        fair.Filter
	Scoring       fair.Scoring
	Score         string // calibrate.Normalised or calibrate.Paper

	Batch    int     // pictures a step
	Rate     float64 // learning rate, the largest
	Schedule string  // of the rate: Paper or Cosine
	Steps    int     // exactly one of Steps, Epochs and Time is set
	Epochs   int     // each picture once an epoch
	Time     time.Duration
	Mix      defect.Mix
	Seed     uint64

	Distinct     bool // each picture shows another part, however alike they are
	DropOutliers bool // leave out pictures that are unlike the others

	HoldBack    float64 // share of the parts kept for calibration, more where they are few
	FalseReject float64 // rate that the threshold is set for; 0: what so many parts can tell
	Confidence  float64 // of that rate
	Precision   string  // of the model: Auto or model.Float32

	Checkpoint      string // file to save the state in; "" saves none
	CheckpointEvery time.Duration
	Resume          string // checkpoint to go on from; "" starts anew

	Preview string // folder to write a contact sheet of samples to before training; "" writes none

	Workers int // that make samples; 0 is one a core
	Infer   config.Infer
	Log     zerolog.Logger
}

// providers that a training runs on; "" is the CPU. TensorRT cannot train.
var providers = []infer.Provider{"", infer.CPU, infer.CUDA, infer.Auto}

// Auto is 8 bits where a CPU runs the network and they change no verdict on a
// golden sample, and float32 elsewhere.
const Auto = "auto"

// Schedules of the learning rate.
const (
	Paper  = "paper"  // times 0.2 at 80% and 90%
	Cosine = "cosine" // half a cosine to zero, after a rise of 5%
)

var schedules = map[string]func(rate float64) fit.Schedule{Paper: fit.PaperSchedule, Cosine: fit.CosineSchedule}

// Default is a training for a small box; Good and one of Steps, Epochs and Time
// are left to say.
func Default() Options {
	return Options{
		Base: 32, Width: 256, Height: 256,
		Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring(), Score: calibrate.Normalised,
		Batch: 8, Rate: 1e-4, Schedule: Paper, Mix: defect.PaperMix(defect.FormPaper),
		HoldBack: 0.2, Confidence: 0.95, Precision: Auto,
		Log: zerolog.Nop(),
	}
}

// Check says what is wrong with the options, before anything is read.
func (o Options) Check() error {
	if err := o.checkSamples(); err != nil {
		return err
	}
	budgets := 0
	for _, set := range []bool{o.Steps != 0, o.Epochs != 0, o.Time != 0} {
		if set {
			budgets++
		}
	}
	switch {
	case budgets != 1 || o.Steps < 0 || o.Epochs < 0 || o.Time < 0:
		return errors.New("say how long to train: one of steps, epochs and time, above zero")
	case o.Batch < 1 || o.Batch > 1024:
		return fmt.Errorf("batch of %d: choose 1 to 1024", o.Batch)
	case !(o.Rate > 0 && o.Rate <= 1):
		return fmt.Errorf("learning rate %v: choose above 0 and at most 1", o.Rate)
	case schedules[o.Schedule] == nil:
		return fmt.Errorf("schedule %q: choose %s or %s", o.Schedule, Paper, Cosine)
	case !(o.FalseReject >= 0 && o.FalseReject < 1), !(o.Confidence > 0 && o.Confidence < 1):
		return fmt.Errorf("false-reject rate %v and confidence %v must be between 0 and 1", o.FalseReject, o.Confidence)
	case o.Precision != Auto && o.Precision != model.Float32:
		return fmt.Errorf("precision %q: choose %s or %s", o.Precision, Auto, model.Float32)
	case o.Score != calibrate.Normalised && o.Score != calibrate.Paper:
		return fmt.Errorf("score %q: choose %s or %s", o.Score, calibrate.Normalised, calibrate.Paper)
	case o.Workers < 0:
		return fmt.Errorf("%d workers: choose 1 or more, or 0 for one a core", o.Workers)
	case !slices.Contains(providers, infer.Provider(o.Infer.Provider)):
		return fmt.Errorf("provider %q: training runs on cpu, cuda or auto", o.Infer.Provider)
	}
	return o.Scoring.Validate()
}

// checkSamples checks what samples depend on, which is all that a preview needs.
func (o Options) checkSamples() error {
	switch {
	case o.Good == "":
		return errors.New("no folder of good pictures is named")
	case !(o.HoldBack > 0 && o.HoldBack < 1):
		return fmt.Errorf("share held back for calibration %v: choose between 0 and 1", o.HoldBack)
	}
	return errors.Join(o.Filter.Validate(), o.network().Check(o.Height, o.Width), o.Mix.Check())
}

func (o Options) network() unet.Network {
	return unet.Network{Width: o.Base, Channels: o.Filter.Channels()}
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// budget turns epochs of n pictures into steps.
func (o Options) budget(n int) fit.Budget {
	if o.Epochs > 0 {
		return fit.Budget{Steps: max((o.Epochs*n+o.Batch-1)/o.Batch, 1)}
	}
	return fit.Budget{Steps: o.Steps, Time: o.Time}
}

// identity is what a checkpoint belongs to: everything that the weights depend on.
func (o Options) identity(s source, b fit.Budget) fit.Identity {
	mix, _ := json.Marshal(o.Mix)       // plain structs of numbers
	filter, _ := json.Marshal(o.Filter) // and strings cannot fail
	id := fit.Identity{
		"network width": strconv.Itoa(o.Base),
		"picture size":  fmt.Sprintf("%dx%d", o.Width, o.Height),
		"filter":        string(filter),
		"batch":         strconv.Itoa(o.Batch),
		learningRate:    fmt.Sprint(o.Rate),
		steps:           strconv.Itoa(b.Steps),
		duration:        b.Time.String(),
		"defects":       string(mix),
		"seed":          strconv.FormatUint(o.Seed, 10),
		"good pictures": (&pictures{pool: s.good}).hash(),
		"textures":      (&pictures{pool: s.textures}).hash(),
	}
	if o.Schedule != Paper { // which checkpoints of before there was a choice do not name
		id["schedule"] = o.Schedule
	}
	return id
}
