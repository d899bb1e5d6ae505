package main

import (
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/config/redact"
)

func init() { // before any goroutine logs: zerolog keeps it in a variable of the process
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000000Z07:00"
}

// newLog is the daemon's log on stderr: JSON, or readable on a terminal. Secrets
// that get into a line are masked.
func newLog(c config.Log) zerolog.Logger {
	var out io.Writer = os.Stderr
	if c.Format == "console" || c.Format == "auto" && isTerminal(os.Stderr) {
		out = console()
	}
	l := zerolog.New(redact.Writer(out)).With().Timestamp().Logger()
	log.SetFlags(0)
	log.SetOutput(libraryLog{l})
	return l
}

// libraryLog takes in what libraries print to Go's standard log, such as net/http
// about a server that misbehaves. It must not stand between the JSON lines.
type libraryLog struct{ log zerolog.Logger }

func (l libraryLog) Write(p []byte) (int, error) {
	l.log.Debug().Str("part", "library").Msg(strings.TrimSpace(string(p)))
	return len(p), nil
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
	return zerolog.New(redact.Writer(console())).Level(l).With().Timestamp().Logger()
}

func console() io.Writer {
	return zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly, NoColor: !isTerminal(os.Stderr)}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
