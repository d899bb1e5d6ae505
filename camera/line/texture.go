package line

import (
	"image"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// grain holds the fine textures of a line. Every part mixes two of each kind,
// turned and flipped at random, so no two parts look alike up close.
type grain struct {
	turned [variants][]int8
	cast   [variants][]int8
}

const variants = 5

func newGrain(side int, r *rand.Rand) *grain {
	g := &grain{}
	for i := range variants {
		g.turned[i] = turnedTexture(side, r)
		g.cast[i] = castTexture(side, r)
	}
	return g
}

// turnedTexture is what a lathe leaves: rings that hold their tone all the way
// round or nearly so, and shorter chatter marks along them.
func turnedTexture(side int, r *rand.Rand) []int8 {
	const angles = 512
	chatter := gaussian(angles, side, r) // rows are angles, columns radii
	defer chatter.Close()
	blur(&chatter, 0.5, 24)
	marks := floats(chatter)
	normalise(marks)
	rings := gaussian(3, side, r) // constant, cosine and sine of the angle
	defer rings.Close()
	blur(&rings, 0.8, 0.01)
	tone := floats(rings)
	normalise(tone)
	out := make([]int8, side*side)
	half := float64(side)/2 - 0.5
	for i := range out {
		dx, dy := float64(i%side)-half, float64(i/side)-half
		radius := math.Hypot(dx, dy)
		k := min(int(radius), side-1)
		turn := (math.Atan2(dy, dx) + math.Pi) / (2 * math.Pi) * angles
		ring := float64(tone[k]) + 0.2*(dx*float64(tone[side+k])+dy*float64(tone[2*side+k]))/radius
		mark := float64(marks[int(turn)%angles*side+k])
		out[i] = int8(math.Min(math.Max((mark+1.2*ring)*26, -127), 127))
	}
	return out
}

// castTexture is a bead-blasted casting: isotropic grain of two sizes and a
// faint cloudiness.
func castTexture(side int, r *rand.Rand) []int8 {
	out := make([]int8, side*side)
	sum := make([]float32, side*side)
	for _, layer := range []struct{ sigma, weight float64 }{{0.7, 1}, {1.6, 0.9}, {14, 0.5}} {
		noise := gaussian(side, side, r)
		blur(&noise, layer.sigma, layer.sigma)
		values := floats(noise)
		normalise(values)
		for i, v := range values {
			sum[i] += float32(layer.weight) * v
		}
		noise.Close()
	}
	for i, v := range sum {
		out[i] = int8(math.Min(math.Max(float64(v)*28, -127), 127))
	}
	return out
}

// gaussian is a new picture of unit normal noise; the caller closes it.
func gaussian(rows, cols int, r *rand.Rand) gocv.Mat {
	m := gocv.NewMatWithSize(rows, cols, gocv.MatTypeCV32F)
	values := floats(m)
	for i := range values {
		values[i] = float32(r.NormFloat64())
	}
	return m
}

// blur wraps round, so that textures have no seam: along x over radii or
// columns, along y over angles or rows. OpenCV refuses BorderWrap, hence the
// copied margin.
func blur(m *gocv.Mat, sigmaX, sigmaY float64) {
	mx, my := min(int(4*sigmaX)+1, m.Cols()), min(int(4*sigmaY)+1, m.Rows())
	wide := gocv.NewMat()
	defer wide.Close()
	rows, cols := m.Rows(), m.Cols()
	must(gocv.CopyMakeBorder(*m, &wide, my, my, mx, mx, gocv.BorderWrap, black))
	must(gocv.GaussianBlur(wide, &wide, image.Pt(0, 0), sigmaX, sigmaY, gocv.BorderReflect101))
	view := wide.Region(image.Rect(mx, my, mx+cols, my+rows))
	defer view.Close()
	must(view.CopyTo(m))
}

func normalise(v []float32) {
	var sum, square float64
	for _, x := range v {
		sum += float64(x)
		square += float64(x) * float64(x)
	}
	n := float64(len(v))
	mean := sum / n
	scale := 1 / math.Sqrt(square/n-mean*mean)
	for i := range v {
		v[i] = float32((float64(v[i]) - mean) * scale)
	}
}
