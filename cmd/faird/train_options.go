package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/fair"
	"faird/train"
	"faird/train/calibrate"
	"faird/train/defect"
)

// defaultTime is how long a training takes that is told nothing else.
const defaultTime = 30 * time.Minute

type trainOptions struct {
	train.Options
	out, size, filter, cutpaste   string
	checkpoint, provider, library string
	progress                      string
	threads                       int
	maxPixels                     pixelLimit
	nsa, scar, erase              bool
	noTexture, noRotate           bool
	clean                         float64
	json                          bool
}

func (o *trainOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.Good, "good", "", "folder of good pictures, searched with the folders in it")
	f.StringVar(&o.out, "out", "", "model file to write")
	f.IntVar(&o.Base, "width", o.Base, "width of the network: channels of its first level, 8 to 128")
	f.StringVar(&o.size, "size", "256", "the model's picture size in pixels, multiples of 16: 256, or 320x192 (width x height)")
	f.IntVar(&o.Epochs, "epochs", 0, "how long to train: times through all pictures")
	f.IntVar(&o.Steps, "steps", 0, "how long to train: steps of --batch pictures")
	f.DurationVar(&o.Time, "time", 0, "how long to train: say 20m")
	f.IntVar(&o.Batch, "batch", o.Batch, "pictures a step")
	f.Float64Var(&o.Rate, "lr", o.Rate, "learning rate, the largest")
	f.StringVar(&o.Schedule, "schedule", o.Schedule, "of the learning rate: paper (times 0.2 at 80% and 90%), or cosine (half of one to zero, after a short rise)")
	f.StringVar(&o.filter, "filter", string(o.Filter.Type), "butterworth, ideal, gaussian, sobel_x or sobel_xy")
	f.Float64Var(&o.Filter.D0, "d0", 0, "cut-off of the filter in DFT bins (default: the paper's 30 at 256 pixels, 15 at 128)")
	f.IntVar(&o.Filter.Order, "order", o.Filter.Order, "order of the Butterworth filter")
	f.IntVar(&o.Filter.KSize, "ksize", 3, "side of the Sobel kernel: 3 or 5")
	f.Float64Var(&o.Scoring.K, "k", o.Scoring.K, "weight of the colour difference in the paper's score")
	f.IntVar(&o.Scoring.Smooth, "smooth", 0, "side of the mean filter of the anomaly map, odd (default: the paper's 21 at 256 pixels, 11 at 128)")
	f.StringVar(&o.Score, "score", o.Score, "normalised (measured against what good images look like), or paper (eq. 10)")
	f.StringVar(&o.Textures, "textures", "", "folder of texture pictures (default: the good pictures themselves)")
	f.StringVar(&o.cutpaste, "cutpaste", defect.FormPaper, "form of CutPaste: paper, authors or off")
	f.BoolVar(&o.nsa, "nsa", false, "also blend in patches of other good pictures")
	f.BoolVar(&o.scar, "scar", false, "also draw thin strokes: for parts that are scratched")
	f.BoolVar(&o.erase, "erase", false, "also put calm surface over features: for parts on which something may be missing")
	f.Float64Var(&o.clean, "clean", defect.PaperMix("").Clean, "share of the samples left without a defect")
	f.BoolVar(&o.noTexture, "no-texture", false, "no texture defects")
	f.BoolVar(&o.noRotate, "no-rotate", false, "do not turn pictures: for parts that always lie the same way")
	f.Uint64Var(&o.Seed, "seed", 0, "of everything random")
	f.IntVar(&o.Workers, "workers", 0, "goroutines that make samples (default: one a core)")
	f.Float64Var(&o.HoldBack, "hold-back", o.HoldBack, "share of the pictures kept for the threshold, more where they are few")
	f.Float64Var(&o.FalseReject, "false-reject", o.FalseReject, "share of good parts that the threshold may reject (default: one in as many parts as are held back, at least 0.001)")
	f.BoolVar(&o.Distinct, "distinct", false, "each picture shows another part: do not count near-duplicates once")
	f.BoolVar(&o.DropOutliers, "drop-outliers", false, "leave out pictures that are unlike the others (default: they are only named)")
	f.StringVar(&o.Precision, "precision", o.Precision, "of the model: auto (int8 where a CPU runs it and no verdict changes, its float32 form beside it), or float32")
	f.StringVar(&o.checkpoint, "checkpoint", "", "checkpoint file (default: that of --resume, else the model file with .ckpt)")
	f.StringVar(&o.Resume, "resume", "", "checkpoint to go on from")
	f.StringVar(&o.Preview, "preview", "", "folder to write a contact sheet of samples to; without --out nothing is trained")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.StringVar(&o.progress, "progress", progressAuto, "how progress is told on stderr: auto (a bar or log lines), or json (a line every two seconds)")
	f.IntVar(&o.threads, "threads", 0, "threads that the network is trained with (default: one a core)")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
}

// settle turns flags into options and says which are wrong; given says whether
// a flag was named.
func (o *trainOptions) settle(given func(flag string) bool) (err error) {
	switch {
	case o.Good == "":
		return errors.New("--good is missing: name the folder of good pictures")
	case o.progress != progressAuto && o.progress != progressJSON:
		return fmt.Errorf("--progress %q: choose auto or json", o.progress)
	case o.threads < 0:
		return fmt.Errorf("--threads is %d: choose 1 or more, or 0 for one a core", o.threads)
	case given("k") && o.Score == calibrate.Normalised:
		return errors.New("--k weighs the colour of the paper's score: leave it out, or say --score paper")
	case o.out == "" && o.Preview == "":
		return errors.New("--out is missing: name the model file to write")
	}
	if o.Width, o.Height, err = parseSize(o.size); err != nil {
		return fmt.Errorf("--size %q: %w", o.size, err)
	}
	if !given("smooth") {
		o.Scoring.Smooth = fair.SmoothAt(o.Height, o.Width)
	}
	if !given("d0") {
		o.Filter.D0 = fair.CutoffAt(o.Height, o.Width)
	}
	o.Filter = onlyItsOwn(fair.FilterType(o.filter), o.Filter)
	if !given("steps") && !given("epochs") && !given("time") {
		o.Time = defaultTime
	}
	o.Mix = o.mix()
	o.Mix.Clean = o.clean
	o.MaxPixels = int(o.maxPixels)
	o.Infer.Provider, o.Infer.Library, o.Infer.Threads = o.provider, o.library, o.threads
	o.Log = consoleLog(zerolog.WarnLevel)
	o.Checkpoint = o.checkpointFile()
	return o.Check()
}

func (o *trainOptions) checkpointFile() string {
	switch {
	case o.checkpoint != "":
		return o.checkpoint
	case o.Resume != "":
		return o.Resume
	}
	return beside(o.out, ".ckpt")
}

// beside is a file of a model file's name with another end.
func beside(out, end string) string { return strings.TrimSuffix(out, filepath.Ext(out)) + end }

// parseSize understands 256 and 320x192.
func parseSize(text string) (w, h int, err error) {
	first, second, two := strings.Cut(text, "x")
	if !two {
		second = first
	}
	w, errW := strconv.Atoi(first)
	h, errH := strconv.Atoi(second)
	if errW != nil || errH != nil {
		return 0, 0, errors.New("write it as 256 or 320x192")
	}
	return w, h, nil
}

// onlyItsOwn is a filter of a type with those parameters that the type has.
func onlyItsOwn(t fair.FilterType, f fair.Filter) fair.Filter {
	switch t {
	case fair.SobelX, fair.SobelXY:
		return fair.Filter{Type: t, KSize: f.KSize}
	case fair.Butterworth:
		return fair.Filter{Type: t, D0: f.D0, Order: f.Order}
	default:
		return fair.Filter{Type: t, D0: f.D0}
	}
}

// mix is the paper's mix with what is switched off left out, and what is switched
// on as often as the paper's kinds.
func (o *trainOptions) mix() defect.Mix {
	m := defect.PaperMix(o.cutpaste)
	if o.cutpaste == "off" {
		m.CutPaste, m.Form = 0, ""
	}
	for _, more := range []struct {
		on    bool
		share *float64
	}{{o.nsa, &m.Patch}, {o.scar, &m.Scar}, {o.erase, &m.Erase}} {
		if more.on {
			*more.share = 0.25
		}
	}
	if o.noTexture {
		m.Texture = 0
	}
	if o.noRotate {
		m.Rotate = 0
	}
	return m
}

// beforehand finds out what would go wrong at the end, or undo earlier work.
func (o *trainOptions) beforehand() error {
	if info, err := os.Stat(filepath.Dir(o.out)); err != nil || !info.IsDir() {
		return fmt.Errorf("--out %s: %s is no folder: make it first", o.out, filepath.Dir(o.out))
	}
	if info, err := os.Stat(o.out); err == nil && info.IsDir() {
		return fmt.Errorf("--out %s: it is a folder: name the model file", o.out)
	}
	if o.Resume != "" {
		if _, err := os.Stat(o.Resume); err != nil {
			return fmt.Errorf("--resume: %w", err)
		}
		return nil
	}
	if _, err := os.Stat(o.Checkpoint); err == nil {
		return fmt.Errorf("%s is there, of a training that was broken off: go on with --resume %s, or remove it to start again", o.Checkpoint, o.Checkpoint)
	}
	return nil
}
