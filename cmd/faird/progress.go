package main

import (
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"
)

// logEvery is how often work that takes long says how far it is where there is no terminal.
const logEvery = 10 * time.Second

// newProgress returns what to tell after each piece of work: a bar on a
// terminal, log lines elsewhere, both on stderr. end clears the bar away.
func newProgress(what string) (tell func(done, total int), end func()) {
	if !isTerminal(os.Stderr) {
		return logProgress(consoleLog(zerolog.InfoLevel), what, time.Now), func() {}
	}
	return barProgress(os.Stderr, what)
}

func barProgress(out io.Writer, what string) (tell func(done, total int), end func()) {
	bar := progressbar.NewOptions(-1, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(out),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond))
	tell = func(done, total int) {
		if bar.GetMax() != total {
			bar.ChangeMax(total)
		}
		_ = bar.Set(done) // a terminal that went away is no reason to stop
	}
	return tell, func() { _ = bar.Clear() }
}

func logProgress(log zerolog.Logger, what string, now func() time.Time) func(done, total int) {
	last := now()
	return func(done, total int) {
		if t := now(); t.Sub(last) >= logEvery {
			last = t
			log.Info().Int("done", done).Int("of", total).Msg(what)
		}
	}
}
