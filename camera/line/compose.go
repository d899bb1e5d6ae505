package line

import (
	"image"
	"math"

	"gocv.io/x/gocv"
)

// paintPart fills the canvas with this frame's part.
func (l *Line) paintPart(s *scene, d *defect) {
	if d.surface != nil {
		d.surface(l.work)
	}
	light := s.lighting()
	canvas := bytes(l.canvas)
	l.work.render(canvas, l.work.bounds(), s, &light, l.grain)
	for i := range l.marks {
		colour := l.marks[i].colour
		if d.markAt == i {
			if d.markGone {
				continue
			}
			colour = d.markColour
		}
		l.marks[i].paint(canvas, l.cover.side, s, colour)
	}
	if d.paint != nil {
		d.paint(canvas, l.stencil)
	}
	for i, a := range l.cover.alpha {
		canvas[4*i+3] = a
	}
	l.work.copyBox(l.cover, d.box)
}

// newShadow is the part's silhouette as a soft shadow, in the part's frame.
func newShadow(s *surface, unit float64) gocv.Mat {
	m := gocv.NewMatWithSize(s.side, s.side, gocv.MatTypeCV8UC1)
	copy(bytes(m), s.alpha)
	gocv.GaussianBlur(m, &m, image.Pt(0, 0), 8*unit, 8*unit, gocv.BorderConstant)
	return m
}

// newVignette is the lens's fall-off towards the corners, 8.8 fixed point.
func newVignette(size int) []uint16 {
	v := make([]uint16, size*size)
	half := float64(size-1) / 2
	for i := range v {
		x, y := (float64(i%size)-half)/half, (float64(i/size)-half)/half
		v[i] = uint16(math.Round(256 * (1 - 0.09*(x*x+y*y))))
	}
	return v
}

// compose lays part and shadow on the belt under the scene's light.
func (l *Line) compose(s *scene) {
	size := l.options.Size
	l.warp(l.canvas, &l.warped, s, 0, 0)
	l.warp(l.shadow, &l.shade, s, s.shadowX, s.shadowY)
	part, shade, out := bytes(l.warped), bytes(l.shade), bytes(l.sharp)
	room := float64(l.belt.side - l.belt.view)
	beltX, beltY := int(s.beltX*room), int(s.beltY*room)
	beltTone := int(256 * s.beltTone)
	slopeX, slopeY := int(s.gradientX*65536/float64(size)), int(s.gradientY*65536/float64(size))
	gain := [3]int{int(256 * s.gain[0]), int(256 * s.gain[1]), int(256 * s.gain[2])}
	for y := range size {
		belt := l.belt.row(beltX, beltY, y)
		row := slopeY*(y-size/2) - slopeX*size/2
		for x := range size {
			i := y*size + x
			light := int(l.vignette[i]) + (row+slopeX*x)>>8
			a := int(part[4*i+3])
			dark := beltTone * (256 - int(shade[i])*7/16) >> 8
			for c := range 3 {
				v := int(part[4*i+c])
				if a < 255 {
					under := int(belt[3*x+c]) * dark >> 8
					v += under * (255 - a) / 255
				}
				out[3*i+c] = clamp(v * light * gain[c] >> 16)
			}
		}
	}
}

// warp brings a picture of the part's frame into the camera's. Outside the
// part the canvas is black and clear, so its colours come out multiplied by
// their coverage.
func (l *Line) warp(from gocv.Mat, to *gocv.Mat, s *scene, shiftX, shiftY float64) {
	for i, v := range s.affine(l.cover.side, l.options.Size, shiftX, shiftY) {
		l.matrix.SetDoubleAt(i/3, i%3, v)
	}
	size := image.Pt(l.options.Size, l.options.Size)
	gocv.WarpAffineWithParams(from, to, l.matrix, size, gocv.InterpolationLinear, gocv.BorderConstant, black)
}

// region is the box of the part's frame as the camera sees it, with a margin
// for the lens.
func (l *Line) region(s *scene, box image.Rectangle) image.Rectangle {
	m := s.affine(l.cover.side, l.options.Size, 0, 0)
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, c := range []image.Point{box.Min, {box.Max.X, box.Min.Y}, {box.Min.X, box.Max.Y}, box.Max} {
		px, py := float64(c.X)-0.5, float64(c.Y)-0.5
		x, y := m[0]*px+m[1]*py+m[2], m[3]*px+m[4]*py+m[5]
		left, top = math.Min(left, x), math.Min(top, y)
		right, bottom = math.Max(right, x), math.Max(bottom, y)
	}
	margin := 3 * s.focus
	r := image.Rect(int(math.Floor(left-margin)), int(math.Floor(top-margin)), int(math.Ceil(right+margin))+1, int(math.Ceil(bottom+margin))+1)
	return r.Intersect(image.Rect(0, 0, l.options.Size, l.options.Size))
}
