package mjpeg

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"time"
)

const (
	readBytes = 64 << 10 // at least so many are asked for at a time
	maxEmpty  = 100      // reads that give neither bytes nor an error
)

var errLongLine = errors.New("no line break")

// window is what was received and not yet used.
type window struct {
	in   io.Reader
	buf  []byte
	from int       // buf[from:] is not used yet
	at   time.Time // when its last bytes came
	err  error     // how reading ended
}

func (w *window) bytes() []byte { return w.buf[w.from:] }

func (w *window) skip(n int) { w.from += n }

// fill waits for more bytes. Slices of the window are invalid afterwards.
func (w *window) fill() error {
	if w.from > 0 {
		w.buf = w.buf[:copy(w.buf, w.bytes())]
		w.from = 0
	}
	w.buf = slices.Grow(w.buf, readBytes)
	for range maxEmpty {
		if w.err != nil {
			return w.err
		}
		var n int
		n, w.err = w.in.Read(w.buf[len(w.buf):cap(w.buf)])
		if n > 0 {
			w.buf, w.at = w.buf[:len(w.buf)+n], time.Now()
			return nil
		}
	}
	return io.ErrNoProgress
}

// line returns the line that begins at an offset into the window, without its
// end, and the offset of the one after it. LF alone ends a line too.
func (w *window) line(from int) (line []byte, next int, err error) {
	for searched := from; ; {
		b := w.bytes()
		if i := bytes.IndexByte(b[searched:], '\n'); i >= 0 {
			searched += i
			if searched-from > maxLine {
				return nil, 0, errLongLine
			}
			return bytes.TrimSuffix(b[from:searched], []byte("\r")), searched + 1, nil
		}
		searched = len(b)
		if searched-from > maxLine {
			return nil, 0, errLongLine
		}
		if err := w.fill(); err != nil {
			return nil, 0, err
		}
	}
}
