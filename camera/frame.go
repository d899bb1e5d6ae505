package camera

import (
	"time"

	"faird/camera/fault"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// poolSize is how many frames of a camera exist at most: one being read, one
// newest, and what the taker holds (the one at work, three kept for show, and two
// for a second model). They are made when they are needed.
const poolSize = 8

// Frame is one picture with what is known of it. It belongs to whoever Next
// gave it to until Release.
type Frame struct {
	Picture  gocv.Mat         // 8-bit BGR, camera pixels; empty when Err is set
	Captured time.Time        // wall and monotonic: when the picture reached the host
	Exposure verdict.Exposure // whether Captured is the exposure or an estimate of it
	Sequence uint64           // counts the source's pictures from 1, dropped ones too
	Source   string           // file name, or ""
	Truth    *Truth           // what the simulated line drew; nil elsewhere
	Err      error            // wraps ErrPicture: a fault, the image must not be judged

	evidence evidence
	skipped  skipped // images that came since the frame before and were never decoded
	received func()  // tells the camera that an image has arrived and is being decoded
	home     *Camera
	reply    func(*verdict.Verdict) // whoever brought the picture and waits for its verdict; nil elsewhere
	mat      gocv.Mat               // the pixels
	none     gocv.Mat               // what Picture is when there is none, so that nothing old is ever judged
	truth    Truth
	out      bool // with a taker
	users    int  // of it that are to release it, beside the first
}

func newFrame(home *Camera) *Frame {
	f := &Frame{home: home, mat: gocv.NewMat(), none: gocv.NewMat(), received: func() {}}
	f.reset()
	return f
}

// Answer tells whoever brought the picture what became of it: once, and before
// Release. Of cameras that nobody asks it does nothing.
func (f *Frame) Answer(v *verdict.Verdict) {
	if f != nil && f.reply != nil {
		f.reply(v)
		f.reply = nil
	}
}

// reset makes the frame ready for the next picture; the pixels' memory stays.
// Who waits for a verdict on the picture before is told that there is none.
func (f *Frame) reset() {
	f.Answer(nil)
	*f = Frame{home: f.home, mat: f.mat, none: f.none, Picture: f.none, received: f.received}
}

// fail turns the frame into one that must not be judged. An error that names no
// fault counts as damage.
func (f *Frame) fail(err error) {
	if f.Err = err; fault.Of(err) == "" {
		f.Err = fault.Damaged("%w", err)
	}
}

// settle is called once the pixels are final.
func (f *Frame) settle() {
	f.Picture = f.mat
	if f.Err != nil {
		f.Picture = f.none
	}
}

func (f *Frame) free() {
	_ = f.mat.Close()
	_ = f.none.Close()
}

// Retain has one more user, who is to release the frame too.
func (f *Frame) Retain() {
	if c := f.home; c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		f.users++
	}
}

// Release gives the frame back to its camera, exactly once for each user; the
// frame and its Picture are not to be touched after. A frame that no camera made, as in a
// test, has nothing to give back.
func (f *Frame) Release() {
	c := f.home
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.out {
		c.log.Error().Uint64("sequence", f.Sequence).Msg("frame released twice")
		return
	}
	if f.users > 0 {
		f.users--
		return
	}
	c.pool.put(f)
}

// pool keeps the frames that nobody uses. The owner locks.
type pool struct {
	size   int
	made   int
	free   []*Frame
	closed bool
}

// get returns an unused frame, or nil when all are in use.
func (p *pool) get(home *Camera) *Frame {
	if len(p.free) == 0 && p.made >= p.size {
		return nil
	}
	return p.must(home)
}

// must returns a frame even when all are in use: every source needs one to
// read into.
func (p *pool) must(home *Camera) *Frame {
	if n := len(p.free); n > 0 {
		f := p.free[n-1]
		p.free = p.free[:n-1]
		return f
	}
	p.made++
	return newFrame(home)
}

func (p *pool) put(f *Frame) {
	f.reset()
	if p.closed {
		f.free()
		return
	}
	p.free = append(p.free, f)
}

// disown forgets a frame that stays with a thread which did not come back.
func (p *pool) disown() { p.made-- }

func (p *pool) close() {
	p.closed = true
	for _, f := range p.free {
		f.free()
	}
	p.free = nil
}
