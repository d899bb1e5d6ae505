package integrity

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"faird/camera"
	"faird/camera/fault"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// judge looks at every frame that a camera hands out.
type judge struct {
	t     *testing.T
	clips map[uint8]*clip
	order map[uint8]int // of the clips
	lax   bool          // frames that should not have been judged are counted only
	plays *plays
	sent  func() int64 // images sent so far

	mu     sync.Mutex
	tally  tally
	seen   map[number]bool // judged images
	newest number          // of them
	play   int             // in which that was judged
	last   time.Time       // when the newest frame came
}

// tally counts what became of the images of a scenario.
type tally struct {
	sent      int // images streamed
	judged    int // handed out as good, and good
	different int // handed out as good, and not
	repeated  int // handed out as good again, or after a newer one
	faults    map[verdict.Check]int
	reasons   map[verdict.Check]string // the first of each
	dropped   int                      // good perhaps, but a newer one came before they were taken
	worst     float64
}

func newJudge(t *testing.T, clips []*clip) *judge {
	j := &judge{t: t, clips: map[uint8]*clip{}, order: map[uint8]int{}, seen: map[number]bool{}, last: time.Now(), plays: &plays{}}
	j.tally.faults, j.tally.reasons = map[verdict.Check]int{}, map[verdict.Check]string{}
	for i, c := range clips {
		j.clips[c.id], j.order[c.id] = c, i
	}
	return j
}

// see compares a frame with the reference of the image that it claims to be.
func (j *judge) see(f *camera.Frame) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = time.Now()
	if f.Err != nil {
		kind := fault.Of(f.Err)
		if j.tally.faults[kind]++; j.tally.faults[kind] == 1 {
			j.tally.reasons[kind] = f.Err.Error()
		}
		return
	}
	pixels, err := f.Picture.DataPtrUint8()
	if err != nil {
		j.t.Errorf("frame %d: %v", f.Sequence, err)
		return
	}
	width, height := f.Picture.Cols(), f.Picture.Rows()
	n, err := read(pixels, width, height)
	c := j.clips[n.clip]
	switch {
	case err != nil:
		j.differs(f, fmt.Sprintf("frame-%d", f.Sequence), err.Error(), nil)
	case c == nil || int(n.index) >= c.images || width != c.width || height != c.height:
		j.differs(f, fmt.Sprintf("frame-%d", f.Sequence), fmt.Sprintf("it has %dx%d pixels and claims to be image %v", width, height, n), nil)
	default:
		j.compare(f, pixels, c, n)
	}
}

func (j *judge) compare(f *camera.Frame, pixels []byte, c *clip, n number) {
	want, err := c.reference(n.index)
	if err != nil {
		j.t.Errorf("reference %v: %v", n, err)
		return
	}
	d := worst(pixels, want, c.width, c.height)
	switch {
	case d.mean > tolerance:
		what := fmt.Sprintf("image %v (%v) differs from its reference by %.1f at %d,%d", n, c, d.mean, d.x, d.y)
		j.differs(f, fmt.Sprintf("image-%d-%d", n.clip, n.index), what, want)
	case j.isOld(n, j.plays.before(f.Captured)):
		j.tally.repeated++
		j.complain(j.tally.repeated, fmt.Sprintf("image %v (%v) was handed out after %v", n, c, j.newest))
	default:
		j.seen[n] = true
		j.newest, j.play = n, j.plays.before(f.Captured)
		j.tally.judged++
		j.tally.worst = max(j.tally.worst, d.mean)
	}
}

// isOld tells whether an image or a newer one was judged in this play already.
func (j *judge) isOld(n number, play int) bool {
	if !j.seen[j.newest] || play != j.play {
		return false
	}
	was, is := j.order[j.newest.clip], j.order[n.clip]
	return is < was || is == was && n.index <= j.newest.index
}

// plays are the moments at which a server started its clips over: an image may
// be judged once for each.
type plays struct {
	mu     sync.Mutex
	starts []time.Time
}

// start notes a play and returns how many there were before.
func (p *plays) start() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts = append(p.starts, time.Now())
	return len(p.starts) - 1
}

// before counts those that started before a moment.
func (p *plays) before(moment time.Time) (count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, start := range p.starts {
		if start.Before(moment) {
			count++
		}
	}
	return count
}

// differs counts and keeps a frame that should not have been judged.
func (j *judge) differs(f *camera.Frame, name, what string, want []byte) {
	j.tally.different++
	if j.tally.different <= complaints {
		path := filepath.Join(j.t.ArtifactDir(), name+".png")
		gocv.IMWrite(path, f.Picture)
		what += ": " + path
		if want != nil {
			saveBGR(filepath.Join(j.t.ArtifactDir(), name+"-reference.png"), want, f.Picture.Cols(), f.Picture.Rows())
		}
	}
	j.complain(j.tally.different, what)
}

// complaints is how many failures of a kind are told one by one.
const complaints = 5

func (j *judge) complain(count int, what string) {
	switch {
	case count > complaints:
	case j.lax:
		j.t.Log(what)
	default:
		j.t.Errorf("seed %d: %s", *seedFlag, what)
	}
}

func saveBGR(path string, pixels []byte, width, height int) {
	if m, err := gocv.NewMatFromBytes(height, width, gocv.MatTypeCV8UC3, pixels); err == nil {
		gocv.IMWrite(path, m)
		_ = m.Close()
	}
}

// settle waits until an image was seen, or until for a while nothing more came.
func (j *judge) settle(last number) {
	const quiet = time.Second
	begin := time.Now()
	for time.Since(begin) < patience {
		j.mu.Lock()
		newest, silence := j.newest, time.Since(j.last)
		j.mu.Unlock()
		if newest == last || min(silence, time.Since(begin)) > quiet {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
