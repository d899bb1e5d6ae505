package gallery

import (
	"faird/camera"
	"faird/verdict"
)

// KeepFlip has the archive keep the picture of a verdict that another model would
// have made another, where the verdict alone is no reason to. The picture comes
// without map and restoration, which were not kept. Where the frame is kept it is
// released here.
func (g *Gallery) KeepFlip(v *verdict.Verdict, key int64, f *camera.Frame) (kept bool) {
	if g.archive == nil || g.policy.MaxBytes == 0 || f.Picture.Empty() || g.worth(v) != "" {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.walls[v.Station]
	if g.closed || w == nil {
		return false
	}
	e := w.spare()
	if e == nil {
		return false
	}
	e.fill(v, key, "flip", f, nil)
	select {
	case g.queue <- e:
	default:
		e.release()
		g.skip()
	}
	return true
}
