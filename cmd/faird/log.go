package main

import (
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
)

func init() { // before any goroutine logs: zerolog keeps it in a variable of the process
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000000Z07:00"
}

// newLog is the daemon's log on stderr: JSON, or readable on a terminal.
func newLog(c config.Log) zerolog.Logger {
	var out io.Writer = os.Stderr
	if c.Format == "console" || c.Format == "auto" && isTerminal(os.Stderr) {
		out = console()
	}
	return zerolog.New(out).With().Timestamp().Logger()
}

// setLevel puts the log level of the config, which was checked, in force for the
// whole process.
func setLevel(c config.Log) {
	if l, err := zerolog.ParseLevel(c.Level); err == nil {
		zerolog.SetGlobalLevel(l)
	}
}

// consoleLog is the log of a command that a person runs.
func consoleLog(l zerolog.Level) zerolog.Logger {
	return zerolog.New(console()).Level(l).With().Timestamp().Logger()
}

func console() io.Writer {
	return zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly, NoColor: !isTerminal(os.Stderr)}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
