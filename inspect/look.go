package inspect

import (
	"image"

	"gocv.io/x/gocv"

	"faird/inspect/geometry"
)

// Look is what the last picture was judged by, for showing, laid over the
// camera's picture: upright and in its place, however the region was held. It is
// valid until the next Inspect or Look.
type Look struct {
	Field    image.Rectangle // the judged part of the picture, camera pixels
	W, H     int             // of the map and the restoration, which fill the field
	Map      []float32       // [h,w]
	Restored []float32       // [3,h,w] BGR, not clipped; nil with tiles
}

// Look gives the views of the picture that was inspected last.
func (i *Inspector) Look(gocv.Mat) (Look, error) {
	m := i.judge.maps()
	l := Look{Field: i.seen, W: m.w, H: m.h, Map: m.smoothed, Restored: m.restored}
	if i.seen.Empty() || m.smoothed == nil {
		return Look{}, nil
	}
	if way := i.inField(m.w, m.h); isStraight(way) {
		return l, nil
	}
	if a := i.toCamera; a.B*a.B+a.D*a.D > a.A*a.A+a.E*a.E { // on its side
		l.W, l.H = m.h, m.w
	}
	way := i.inField(l.W, l.H)
	var err error
	if l.Map, err = i.upright.lay(0, m.smoothed, m.w, m.h, way, l.W, l.H); err != nil || m.restored == nil {
		return l, err
	}
	l.Restored, err = i.upright.lay(1, m.restored, m.w, m.h, way, l.W, l.H)
	return l, err
}

// inField is the way from the map to a sheet of w x h that fills the field.
func (i *Inspector) inField(w, h int) geometry.Affine {
	return i.toCamera.
		Then(geometry.Move(-float64(i.seen.Min.X), -float64(i.seen.Min.Y))).
		Then(geometry.Scale(float64(w)/float64(i.seen.Dx()), float64(h)/float64(i.seen.Dy())))
}

// isStraight holds where nothing is turned or mirrored and no place is off by
// more than what a part between two pixels, or an odd tile, costs.
func isStraight(a geometry.Affine) bool {
	return a.B == 0 && a.D == 0 && a.A > 0.95 && a.E > 0.95 && a.A < 1.05 && a.E < 1.05
}

// upright lays maps over the camera's picture. It owns its buffers.
type upright struct {
	from, to, matrix gocv.Mat
	sheets           [2][]float32
}

func newUpright() upright {
	return upright{from: gocv.NewMat(), to: gocv.NewMat(), matrix: gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)}
}

// lay returns planes of w x h, warped to W x H each, in the n-th buffer.
func (u *upright) lay(n int, planes []float32, w, h int, way geometry.Affine, toW, toH int) ([]float32, error) {
	if u.from.Cols() != w || u.from.Rows() != h {
		_ = u.from.Close()
		u.from = gocv.NewMatWithSize(h, w, gocv.MatTypeCV32F)
	}
	if err := setMatrix(&u.matrix, way); err != nil {
		return nil, err
	}
	count := len(planes) / (w * h)
	if len(u.sheets[n]) != count*toW*toH {
		u.sheets[n] = make([]float32, count*toW*toH)
	}
	for c := range count {
		if err := u.plane(share(planes, c, count), share(u.sheets[n], c, count), image.Pt(toW, toH)); err != nil {
			return nil, err
		}
	}
	return u.sheets[n], nil
}

func (u *upright) plane(from, to []float32, size image.Point) error {
	values, err := u.from.DataPtrFloat32()
	if err != nil {
		return err
	}
	copy(values, from)
	if err := gocv.WarpAffine(u.from, &u.to, u.matrix, size); err != nil {
		return err
	}
	warped, err := u.to.DataPtrFloat32()
	copy(to, warped)
	return err
}

func (u *upright) close() error {
	for _, m := range []*gocv.Mat{&u.from, &u.to, &u.matrix} {
		if err := m.Close(); err != nil {
			return err
		}
	}
	return nil
}
