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
	canvas := pixels(l.canvas)
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
	copy(pixels(m), s.alpha)
	must(gocv.GaussianBlur(m, &m, image.Pt(0, 0), 8*unit, 8*unit, gocv.BorderConstant))
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
	part, shade, out := pixels(l.warped), pixels(l.shade), pixels(l.sharp)
	room := float64(l.belt.side - l.belt.view)
	beltX, beltY := int(s.beltX*room), int(s.beltY*room)
	slopeX, slopeY := int(s.gradientX*65536/float64(size)), int(s.gradientY*65536/float64(size))
	r := rows{gain: [3]int{int(256 * s.gain[0]), int(256 * s.gain[1]), int(256 * s.gain[2])}, slope: slopeX}
	for i := range r.dark {
		r.dark[i] = int(256*s.beltTone) * (256 - i*7/16) >> 8
	}
	for y := range size {
		from, to := y*size, (y+1)*size
		r.compose(out[3*from:3*to], part[4*from:4*to], shade[from:to], l.belt.row(beltX, beltY, y),
			l.vignette[from:to], slopeY*(y-size/2)-slopeX*size/2)
	}
}

// rows composes a picture row by row in 8.8 fixed point.
type rows struct {
	gain  [3]int   // BGR
	slope int      // of the light along the row, 16.16 a pixel
	dark  [256]int // of the belt, by the depth of the shadow
}

func (r *rows) compose(out, part, shade, belt []uint8, vignette []uint16, light int) {
	for x, v := range vignette {
		p, b, o := part[4*x:4*x+4:4*x+4], belt[3*x:3*x+3:3*x+3], out[3*x:3*x+3:3*x+3]
		bright := int(v) + light>>8
		light += r.slope
		gain0, gain1, gain2 := bright*r.gain[0]>>8, bright*r.gain[1]>>8, bright*r.gain[2]>>8
		v0, v1, v2 := int(p[0]), int(p[1]), int(p[2])
		if clear := 255 - int(p[3]); clear > 0 {
			// 257/65536 stands for 1/255.
			under := r.dark[shade[x]] * clear * 257 >> 16
			v0, v1, v2 = v0+int(b[0])*under>>8, v1+int(b[1])*under>>8, v2+int(b[2])*under>>8
		}
		o[0], o[1], o[2] = clamp(v0*gain0>>8), clamp(v1*gain1>>8), clamp(v2*gain2>>8)
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
	must(gocv.WarpAffineWithParams(from, to, l.matrix, size, gocv.InterpolationLinear, gocv.BorderConstant, black))
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
