package validity_test

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
	"faird/camera/line"
	"faird/config"
	"faird/fair/golden"
	"faird/inspect/validity"
	"faird/model"
	"faird/verdict"
)

// tried is how many pictures of a set are made faulty, in each way.
const tried = 9

// size of the pictures as a model sees them.
const size = 256

// atSize is a picture's pixels at the model's size, as inspect brings them there.
func atSize(t testing.TB, picture gocv.Mat) []byte {
	t.Helper()
	small := gocv.NewMat()
	defer small.Close()
	if err := gocv.Resize(picture, &small, image.Pt(size, size), 0, 0, gocv.InterpolationLinear); err != nil {
		t.Fatal(err)
	}
	return small.ToBytes()
}

// set is a product: its good pictures, others that must pass, and pictures of
// defective parts, which are valid too.
type set struct {
	learn, good, defective []gocv.Mat
	grey                   bool
	defocus                float64 // blur that counts as a fault, sigma as a share of the picture's side
	missed                 int     // faults of a kind that may go unseen, of [tried]
}

func (s set) close() {
	for _, list := range [][]gocv.Mat{s.learn, s.good, s.defective} {
		for _, m := range list {
			_ = m.Close()
		}
	}
}

// folder reads at most so many pictures.
func folder(t *testing.T, most int, dirs ...string) (list []gocv.Mat) {
	t.Helper()
	d := imagefile.NewDecoder(0)
	defer d.Close()
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.png"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no pictures in %s: %v", dir, err)
		}
		for _, file := range files[:min(most, len(files))] {
			m := gocv.NewMat()
			if err := d.ReadFile(file, &m); err != nil {
				t.Fatal(err)
			}
			list = append(list, m)
		}
	}
	return list
}

// realSet reads a data set, or skips where there is none.
func realSet(t *testing.T, name string) set {
	t.Helper()
	dir := filepath.Join(golden.Shared(t, "FAIRD_DATASETS", "datasets"), name)
	kinds, err := filepath.Glob(filepath.Join(dir, "test", "*"))
	if err != nil {
		t.Fatal(err)
	}
	s := set{
		learn: folder(t, 1000, filepath.Join(dir, "train", "good")),
		good:  folder(t, 1000, filepath.Join(dir, "test", "good")),
		grey:  name != "bottle", defocus: 1.0 / 32,
	}
	if name == "magnetic_tile" {
		s.defocus, s.missed = 1.0/8, 1 // of good pictures with next to no detail and lines half a picture wide
	}
	for _, kind := range kinds {
		if filepath.Base(kind) != "good" {
			s.defective = append(s.defective, folder(t, 1000, kind)...)
		}
	}
	return s
}

// frames renders good frames of the simulated line, the demo's region of them.
func frames(t *testing.T, seed uint64, n int, defects float64) (list []gocv.Mat) {
	t.Helper()
	l := line.New(line.Options{Seed: seed, Defects: defects})
	defer l.Close()
	whole := gocv.NewMat()
	defer whole.Close()
	for i := range uint64(n) {
		l.Render(i, &whole)
		part := whole.Region(line.Field)
		list = append(list, part.Clone())
		_ = part.Close()
	}
	return list
}

func demoSet(t *testing.T, good int) set {
	return set{learn: frames(t, 1001, 60, 0), good: frames(t, 1, good, 0), defective: frames(t, 1, 30, 1), defocus: 1.0 / 48}
}

// TestFewGoodPictures: what ten pictures of the whole line teach holds for
// others of it, defective ones among them.
func TestFewGoodPictures(t *testing.T) {
	render := func(seed uint64, n int, defects float64) (list []gocv.Mat) {
		l := line.New(line.Options{Seed: seed, Defects: defects, Size: 320})
		defer l.Close()
		for i := range n {
			m := gocv.NewMat()
			l.Render(uint64(i), &m)
			list = append(list, m)
		}
		return list
	}
	s := set{learn: render(1, 10, 0), good: render(5, 60, 0.5)}
	defer s.close()
	g := validity.NewGate(size, size, validity.LimitsOf(learn(t, s.learn), config.Validity{}), 0)
	for i, p := range s.good {
		if f := check(t, g, p); f != nil {
			t.Errorf("picture %d: %v", i, f)
		}
	}
}

// learn is the look of pictures, by way of the file's format.
func learn(t *testing.T, pictures []gocv.Mat) *model.Look {
	t.Helper()
	m := validity.NewMeter(size, size)
	var stats []validity.Stats
	scores := make([]float64, len(pictures))
	for i, p := range pictures {
		if err := m.Add(atSize(t, p)); err != nil {
			t.Fatal(err)
		}
		stats, scores[i] = append(stats, m.Take(float64(p.Cols())/float64(p.Rows()))), 0.1
	}
	return validity.Learn(stats, scores)
}

func check(t *testing.T, g *validity.Gate, p gocv.Mat) *validity.Fault {
	t.Helper()
	if err := g.Add(atSize(t, p)); err != nil {
		t.Fatal(err)
	}
	var f *validity.Fault
	if err := g.Check(float64(p.Cols())/float64(p.Rows()), time.Now()); err != nil && !errors.As(err, &f) {
		t.Fatal(err)
	}
	return f
}

// TestRealPictures: good pictures and defective parts are valid; each fault
// made from them is caught, as what it is.
func TestRealPictures(t *testing.T) {
	for name, load := range map[string]func(t *testing.T) set{
		"demo":          func(t *testing.T) set { return demoSet(t, 80) },
		"bottle":        func(t *testing.T) set { return realSet(t, "bottle") },
		"magnetic_tile": func(t *testing.T) set { return realSet(t, "magnetic_tile") },
		"glassfibre":    func(t *testing.T) set { return realSet(t, "glassfibre") },
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t)
			defer s.close()
			look := learn(t, s.learn)
			g := validity.NewGate(size, size, validity.LimitsOf(look, config.Validity{}), 0)
			for i, p := range append(append([]gocv.Mat{}, s.good...), s.defective...) {
				if f := check(t, g, p); f != nil {
					t.Errorf("picture %d of %d good and %d defective: %v", i, len(s.good), len(s.defective), f)
				}
			}
			for fault, want := range map[string]verdict.Check{
				"black": verdict.Black, "half black": verdict.Black, "white": verdict.Saturated,
				"dim": verdict.Brightness, "bright": verdict.Brightness,
				"blurred": verdict.Blurred, "swapped": verdict.ColourOrder, "stretched": verdict.Size,
			} {
				if s.grey && fault == "swapped" || fault == "bright" && look.Brightness.Max > 150 {
					continue // no such fault can be: no colours, or good pictures that are nearly white
				}
				var missed []string
				for i, p := range s.good[:tried] {
					bad := spoil(t, fault, p, look, s.defocus)
					f := check(t, g, bad)
					_ = bad.Close()
					if f == nil || f.Check != want {
						missed = append(missed, fmt.Sprintf("picture %d: %v", i, f))
					}
				}
				if len(missed) > s.missed {
					t.Errorf("%s: want %s, got %s", fault, want, strings.Join(missed, "; "))
				}
			}
		})
	}
}

// spoil makes a fault from a good picture. What is too dim or too bright depends
// on what the good pictures were.
func spoil(t *testing.T, fault string, p gocv.Mat, look *model.Look, defocus float64) gocv.Mat {
	t.Helper()
	bad := p.Clone()
	var err error
	switch fault {
	case "black":
		bad.SetTo(gocv.NewScalar(0, 0, 0, 0))
		grain(&bad, 4)
	case "half black":
		half := bad.Region(image.Rect(0, bad.Rows()/3, bad.Cols(), bad.Rows()))
		half.SetTo(gocv.NewScalar(0, 0, 0, 0))
		_ = half.Close()
	case "white":
		err = p.ConvertToWithParams(&bad, gocv.MatTypeCV8U, 1, 240)
	case "dim":
		err = p.ConvertToWithParams(&bad, gocv.MatTypeCV8U, float32(0.65*look.Brightness.Min/level(p)), 0)
	case "bright":
		err = p.ConvertToWithParams(&bad, gocv.MatTypeCV8U, 0.3, float32(1.35*look.Brightness.Max-0.3*level(p)))
	case "blurred":
		sigma := float64(p.Cols()) * defocus
		if err = gocv.GaussianBlur(p, &bad, image.Pt(0, 0), sigma, sigma, gocv.BorderReflect101); err == nil {
			grain(&bad, 2) // the sensor is as it was
		}
	case "swapped":
		err = gocv.CvtColor(p, &bad, gocv.ColorBGRToRGB)
	case "stretched":
		err = gocv.Resize(p, &bad, image.Pt(p.Cols(), p.Rows()*4/5), 0, 0, gocv.InterpolationLinear)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

// level is the mean of all channels.
func level(p gocv.Mat) float64 {
	m := p.Mean()
	return (m.Val1 + m.Val2 + m.Val3) / 3
}

// grain adds noise of so many levels at most, all channels apart.
func grain(m *gocv.Mat, levels int) {
	r := rand.New(rand.NewPCG(1, 1))
	pixels, err := m.DataPtrUint8()
	if err != nil {
		panic(err)
	}
	for i, v := range pixels {
		pixels[i] = byte(min(255, max(0, int(v)+r.IntN(2*levels+1)-levels)))
	}
}
