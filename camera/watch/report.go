package watch

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	reportLines  = 30 // a window, before the rest is only counted
	reportWindow = time.Minute
)

// report writes the log lines about files that are not judged. A flood of such
// files gets [reportLines] lines a minute and one with the number of the others.
type report struct {
	mu      sync.Mutex
	log     zerolog.Logger
	began   time.Time
	lines   int
	more    int
	example string
	why     string
}

func newReport() *report { return &report{log: zerolog.Nop()} }

func (r *report) to(log zerolog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = log
}

// say writes one line about a file.
func (r *report) say(what, file, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roll(time.Now())
	if r.lines++; r.lines > reportLines {
		r.more++
		r.example, r.why = file, why
		return
	}
	r.log.Warn().Str("file", file).Str("why", why).Msg(what)
}

// info writes a line that is no complaint.
func (r *report) info(what string, set func(*zerolog.Event) *zerolog.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set(r.log.Info()).Msg(what)
}

// tick writes what was counted once its minute is over.
func (r *report) tick(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roll(now)
}

// flush writes what was counted so far.
func (r *report) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum()
}

func (r *report) roll(now time.Time) {
	if now.Sub(r.began) < reportWindow {
		return
	}
	r.sum()
	r.began, r.lines = now, 0
}

func (r *report) sum() {
	if r.more > 0 {
		r.log.Warn().Int("files", r.more).Str("example", r.example).Str("why", r.why).Msg("more files are not judged")
		r.more = 0
	}
}
