package gallery

import (
	"sync"
	"sync/atomic"
	"time"

	"faird/camera"
	"faird/inspect"
	"faird/store"
	"faird/verdict"
)

// wall is a station's place in the gallery; the gallery's lock guards it.
type wall struct {
	gallery *Gallery
	newest  *exhibit
	taken   time.Time

	mu    sync.Mutex // guards what follows: exhibits come back at any time
	idle  []*exhibit
	built int
}

// spare gives an exhibit that nobody looks at, nil where all are in use.
func (w *wall) spare() *exhibit {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		e := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return e
	}
	if w.built == held {
		return nil
	}
	w.built++
	return &exhibit{wall: w}
}

// exhibit is a verdict with its frame, map and restoration. It keeps its memory
// when it comes back to the wall.
type exhibit struct {
	wall    *wall
	verdict *verdict.Verdict
	key     int64
	why     string // the archive keeps it, or ""
	view    View
	frame   *camera.Frame
	w, h    int // of heat
	heat    []float32
	planes  []float32 // restored, BGR, restoredW x restoredH

	restoredW, restoredH int

	users atomic.Int32

	mu       sync.Mutex // one render at a time, once each
	rendered map[Kind][]byte
}

// fill makes it the exhibit of v, with one user. The frame is its own from here on.
func (e *exhibit) fill(v *verdict.Verdict, key int64, why string, f *camera.Frame, l *inspect.Look) {
	e.verdict, e.key, e.why, e.frame = v, key, why, f
	e.rendered = map[Kind][]byte{}
	e.view = View{Width: f.Picture.Cols(), Height: f.Picture.Rows()}
	e.view.Field = store.Rect{W: e.view.Width, H: e.view.Height}
	e.users.Store(1)
	if l == nil || l.W < 1 || l.H < 1 || len(l.Map) != l.W*l.H {
		return
	}
	e.view.Judged, e.view.Restored = true, len(l.Restored) == 3*l.W*l.H
	e.view.Field = store.Rect{X: l.Field.Min.X, Y: l.Field.Min.Y, W: l.Field.Dx(), H: l.Field.Dy()}
	e.planes = append(e.planes[:0], l.Restored...)
	e.restoredW, e.restoredH = l.W, l.H
	e.heat, e.w, e.h = shrink(e.heat[:0], l.Map, l.W, l.H)
}

// mostHeat bounds the pixels of a map that is kept for show: tiles make maps as
// large as the camera's picture.
const mostHeat = 512 * 512

// shrink appends the map to out, at most mostHeat pixels of it: the largest
// value of each square stays, so that no peak is lost.
func shrink(out, values []float32, w, h int) (_ []float32, toW, toH int) {
	side := 1
	for (w+side-1)/side*((h+side-1)/side) > mostHeat {
		side++
	}
	if side == 1 {
		return append(out, values...), w, h
	}
	toW, toH = (w+side-1)/side, (h+side-1)/side
	for y := range toH {
		for x := range toW {
			var peak float32
			for row := y * side; row < min((y+1)*side, h); row++ {
				for _, v := range values[row*w+x*side : row*w+min((x+1)*side, w)] {
					peak = max(peak, v)
				}
			}
			out = append(out, peak)
		}
	}
	return out, toW, toH
}

func (e *exhibit) retain() { e.users.Add(1) }

// release ends one use; the last gives the frame back to its camera.
func (e *exhibit) release() {
	if e.users.Add(-1) > 0 {
		return
	}
	e.frame.Release()
	e.frame, e.verdict, e.rendered = nil, nil, nil
	e.wall.mu.Lock()
	defer e.wall.mu.Unlock()
	e.wall.idle = append(e.wall.idle, e)
}

// picture is the archive's row of it.
func (e *exhibit) picture() store.Picture {
	return store.Picture{
		ID: e.verdict.ID, Key: e.key, Station: e.verdict.Station, Why: e.why,
		Width: e.view.Width, Height: e.view.Height, Field: e.view.Field,
	}
}

// files are what the archive keeps: the picture without loss, so that it can be
// judged again and trained on, and what people look at.
func (e *exhibit) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, kind := range []Kind{Original, Thumb, Restored, Map} {
		if kind == Restored && !e.view.Restored || kind == Map && !e.view.Judged {
			continue
		}
		data, err := e.render(kind)
		if err != nil {
			return nil, err
		}
		files[kind.File()] = data
	}
	return files, nil
}
