package line

import (
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"
)

// mark is something printed, etched or painted on the finished part: type
// text, code square, paint dot. Its place varies by a pixel or two.
type mark struct {
	box      image.Rectangle // in the part's frame
	coverage []uint8         // of the colour, box row by row
	colour   [3]int          // albedo, BGR
}

const (
	markText = iota
	markCode
	markDot
)

var (
	textPlace = point{0, -171}
	codePlace = polar(114, 150)
	dotPlace  = polar(173, 30)
)

const (
	textHeight = 15.0
	codeModule = 3.1
	dotRadius  = 13.5
)

// codePattern is a made-up 10x10 code with the solid and the dotted border of
// a data matrix; a dot is a light module.
var codePattern = [10]string{
	"#.#.#.#.#.",
	"#..##.#..#",
	"##.#...##.",
	"#.##.#..##",
	"#..#.###..",
	"###..#.#.#",
	"#.#.##..#.",
	"##..#.#..#",
	"#.##..##..",
	"##########",
}

func newMarks(unit float64, s *surface) []mark {
	return []mark{newText(unit, s), newCode(unit, s), newDot(unit, s)}
}

func newText(unit float64, s *surface) mark {
	const oversample = 4
	scale := unit * oversample
	const label = "FAIRD 40-7"
	thickness := max(int(math.Round(2.4*scale)), 1)
	fontScale := textHeight * scale / 21 // Hershey capitals are 21 pixels high at scale 1
	size := gocv.GetTextSize(label, gocv.FontHersheyDuplex, fontScale, thickness)
	wide := gocv.NewMatWithSize(size.Y+4*thickness, size.X+4*thickness, gocv.MatTypeCV8UC1)
	defer wide.Close()
	wide.SetTo(gocv.Scalar{})
	white := color.RGBA{R: 255, G: 255, B: 255, A: 255}
	must(gocv.PutText(&wide, label, image.Pt(2*thickness, size.Y+2*thickness), gocv.FontHersheyDuplex, fontScale, white, thickness))
	small := gocv.NewMat()
	defer small.Close()
	must(gocv.Resize(wide, &small, image.Pt(wide.Cols()/oversample, wide.Rows()/oversample), 0, 0, gocv.InterpolationArea))
	x, y := s.pixel(textPlace)
	corner := image.Pt(int(x)-small.Cols()/2, int(y)-small.Rows()/2)
	return mark{
		box:      image.Rectangle{corner, corner.Add(image.Pt(small.Cols(), small.Rows()))},
		coverage: append([]uint8(nil), pixels(small)...),
		colour:   [3]int{52, 50, 50},
	}
}

// newCode is laser-annealed: dark modules on the turned face.
func newCode(unit float64, s *surface) mark {
	half := codeModule * 6
	return drawMark(s, codePlace, half, [3]int{46, 44, 44}, func(p point) float64 {
		column, row := int(math.Floor((p.x-codePlace.x)/codeModule+5)), int(math.Floor((p.y-codePlace.y)/codeModule+5))
		if row >= 0 && row < 10 && column >= 0 && column < 10 && codePattern[row][column] == '#' {
			return 1
		}
		return 0
	})
}

func newDot(unit float64, s *surface) mark {
	return drawMark(s, dotPlace, dotRadius+3, [3]int{196, 198, 200}, func(p point) float64 {
		dx, dy := p.x-dotPlace.x, p.y-dotPlace.y
		wobble := 1 + 0.06*math.Sin(3*math.Atan2(dy, dx)+1) + 0.03*math.Sin(7*math.Atan2(dy, dx))
		return step(dotRadius*wobble+0.7, dotRadius*wobble-0.7, math.Hypot(dx, dy))
	})
}

func drawMark(s *surface, centre point, half float64, colour [3]int, coverage func(point) float64) mark {
	m := mark{box: s.disc(centre, half), colour: colour}
	for y := m.box.Min.Y; y < m.box.Max.Y; y++ {
		for x := m.box.Min.X; x < m.box.Max.X; x++ {
			sum := 0.0
			for i := range samples * samples {
				sum += coverage(s.at(float64(x)+offset(i%samples), float64(y)+offset(i/samples)))
			}
			m.coverage = append(m.coverage, byteOf(255*sum/samples/samples))
		}
	}
	return m
}

// area is how many pixels the mark visibly changes.
func (m *mark) area() int {
	n := 0
	for _, c := range m.coverage {
		if c >= visible {
			n++
		}
	}
	return n
}

// visible is the coverage, of 255, from which a pixel counts as changed.
const visible = 48

// paint puts the mark on the shaded canvas.
func (m *mark) paint(canvas []uint8, side int, s *scene, colour [3]int) {
	light := int(256 * s.ambient)
	i := 0
	for y := m.box.Min.Y; y < m.box.Max.Y; y++ {
		for x := m.box.Min.X; x < m.box.Max.X; x++ {
			cover := int(m.coverage[i]) * s.ink >> 8
			i++
			if cover == 0 {
				continue
			}
			k := 4 * ((y+s.printY)*side + x + s.printX)
			for c := range 3 {
				old := int(canvas[k+c])
				paint := colour[c]*light>>8 + (old-150)/6 // the ground shows through a little
				canvas[k+c] = clamp(old + (paint-old)*cover/255)
			}
		}
	}
}
