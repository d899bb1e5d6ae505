package watch

import "time"

// settleBatch is how many files a turn looks at: little enough for a slow share.
const settleBatch = 512

// settle takes files that were left alone: images are complete then, whatever
// the kernel told or did not tell of them; others are named in the log.
func (w *Watcher) settle(now time.Time) {
	if now.Sub(w.settled) < w.limits.settle/8 {
		return
	}
	w.settled = now
	for _, e := range w.arrivals.due(now, settleBatch) {
		m := w.look(e.name)
		switch {
		case m == mark{}:
			delete(w.arrivals.entries, e.name)
			if w.isImage(e.name) {
				w.report.say("a file is never judged", e.name, "it appeared and vanished before it could be read: leave images there until they are judged")
			}
		case m.content() != e.mark.content() && (w.isImage(e.name) || e.opens > 0):
			e.mark, e.since = m, now
		case w.isImage(e.name):
			w.arrivals.complete(e, true)
		default:
			delete(w.arrivals.entries, e.name)
			w.refuse(e.name, mark{}, w.foreign(e.name))
		}
	}
}
