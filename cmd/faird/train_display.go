package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"

	"faird/train"
)

// estimateAfter is how many steps it takes to know how long a step takes.
const estimateAfter = 5

// trainDisplay shows a person how far a training is: a bar on a terminal, log
// lines elsewhere.
type trainDisplay struct {
	log    zerolog.Logger
	plan   func(*train.Examined) string // told once the pictures are read
	bar    *progressbar.ProgressBar     // nil where there is no terminal
	last   train.Progress               // of the training itself
	stage  string
	first  int // step at which this run began
	said   bool
	logged time.Time
	tell   func(train.Progress) // in place of bar and lines, nil where not for a program
}

func newTrainDisplay(out *os.File, plan func(*train.Examined) string) *trainDisplay {
	d := &trainDisplay{log: consoleLog(zerolog.InfoLevel), plan: plan, logged: time.Now()}
	if isTerminal(out) {
		d.bar = newTrainBar(out, 200*time.Millisecond)
	}
	return d
}

func newTrainBar(out io.Writer, throttle time.Duration) *progressbar.ProgressBar {
	return progressbar.NewOptions(1000, progressbar.OptionSetWriter(out), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(throttle))
}

// show is told after every picture read, step trained and picture calibrated.
func (d *trainDisplay) show(p train.Progress) {
	if p.Examined != nil {
		d.examined(p.Examined)
	}
	if p.Stage != d.stage {
		d.stage, d.first = p.Stage, p.Done
	}
	if p.Stage == train.Training {
		d.last = p
		d.estimate(p)
	}
	if d.tell != nil {
		d.tell(p)
		return
	}
	if d.bar != nil {
		d.bar.Describe(progressLine(p))
		_ = d.bar.Set(int(1000 * part(p))) // a terminal that went away is no reason to stop
		return
	}
	if now := time.Now(); now.Sub(d.logged) >= logEvery {
		d.logged = now
		d.log.Info().Msg(progressLine(p))
	}
}

// examined tells what was found in the pictures, and what is about to happen.
func (d *trainDisplay) examined(e *train.Examined) {
	if d.bar != nil {
		_ = d.bar.Clear()
	}
	for _, line := range e.Words {
		d.log.Warn().Msg(line)
	}
	d.log.Info().Msg(d.plan(e))
}

// estimate says once how long the training will take.
func (d *trainDisplay) estimate(p train.Progress) {
	if d.said || p.Done-d.first < estimateAfter {
		return
	}
	d.said = true
	if d.bar != nil {
		_ = d.bar.Clear()
	}
	d.log.Info().Msgf("%.2f s a step: %s to go, about %d steps in all", p.PerStep.Seconds(), p.Left.Round(time.Second),
		p.Step+int(p.Left/max(p.PerStep, 1)))
}

// loss is the last one, nil where this run made no step.
func (d *trainDisplay) loss() *float64 {
	if d.last.Step == 0 {
		return nil
	}
	return &d.last.Loss
}

func (d *trainDisplay) lossWords() string {
	if l := d.loss(); l != nil {
		return fmt.Sprintf(", loss %.4f", *l)
	}
	return ""
}

func (d *trainDisplay) end() {
	if d.bar != nil {
		_ = d.bar.Clear()
	}
}

// part is how much of the stage is done, 0 to 1.
func part(p train.Progress) float64 {
	switch {
	case p.Stage == train.Training:
		return p.Part
	case p.Total > 0:
		return float64(p.Done) / float64(p.Total)
	default:
		return 0
	}
}

func progressLine(p train.Progress) string {
	if p.Stage != train.Training {
		return fmt.Sprintf("%s: %d of %d pictures", p.Stage, p.Done, p.Total)
	}
	return fmt.Sprintf("step %d, loss %.4f (MSE %.5f, SSIM %.4f), rate %.1g, %.2f s a step, %.1f%% of it waiting for pictures, %s left",
		p.Step, p.Loss, p.MSE, p.SSIM, p.Rate, p.PerStep.Seconds(), 100*p.Waiting, p.Left.Round(time.Second))
}
