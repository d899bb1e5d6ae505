// Package resemblance says whether a network restores images in the form that
// faird works with: BGR, 0..1. Networks that were trained elsewhere often restore
// another one, and then every score is wrong. It knows no network, only images
// and what was made of them.
package resemblance

import (
	"errors"
	"fmt"
	"math"
)

// form is what a network may restore in place of 0..1: value = gain x restored +
// offset, for red, green and blue.
type form struct {
	name         string
	gain, offset [3]float64
	remedy       string // "" is none
}

func same(name string, gain, offset float64, remedy string) form {
	return form{name, [3]float64{gain, gain, gain}, [3]float64{offset, offset, offset}, remedy}
}

// Mean and standard deviation of ImageNet's images, RGB: what PyTorch's examples
// normalise with.
var (
	imageNetMean = [3]float64{0.485, 0.456, 0.406}
	imageNetStd  = [3]float64{0.229, 0.224, 0.225}
)

// forms that are tried, the right one first.
var forms = []form{
	same("0..1", 1, 0, ""),
	same("0..255", 1.0/255, 0, "divide by 255"),
	same("-1..1", 0.5, 0.5, "halve and add 0.5"),
	{"normalised with ImageNet's mean and standard deviation", imageNetStd, imageNetMean, "multiply by the standard deviation and add the mean"},
}

// orders of the restored channels, the right one first: which channel of the image
// each of them is.
var orders = []struct {
	name    string
	channel [3]int
}{{"BGR", [3]int{0, 1, 2}}, {"RGB", [3]int{2, 1, 0}}}

// What counts as resemblance.
const (
	// enough is the least share of an image's variance that the best form must
	// explain: a network that has learnt little resembles nothing in any form.
	enough = 0.5
	// otherValues and otherOrder are the errors of the best form over that of the
	// right one from which on the form is a wrong one. Swapping red and blue of a
	// part with little colour changes little.
	otherValues = 0.25
	otherOrder  = 0.6
)

// Meter compares images with their restorations. Its zero value is ready.
type Meter struct {
	n                   float64
	image, square       [3]float64    // sums of the image's channels
	restored, restored2 [3]float64    // of the restored ones
	product             [3][3]float64 // restored x image
}

// Add adds an image and its restoration, both BGR planes [3,h,w].
func (m *Meter) Add(image, restored []float32) {
	size := len(image) / 3
	m.n += float64(size)
	for c := range 3 {
		y := restored[c*size : (c+1)*size]
		for k := range 3 {
			x := image[k*size : (k+1)*size]
			var product float64
			for i, v := range y {
				product += float64(v) * float64(x[i])
			}
			m.product[c][k] += product
		}
		for i, v := range image[c*size : (c+1)*size] {
			m.image[c] += float64(v)
			m.square[c] += float64(v) * float64(v)
			m.restored[c] += float64(y[i])
			m.restored2[c] += float64(y[i]) * float64(y[i])
		}
	}
}

// error2 is the mean squared error of a form.
func (m *Meter) error2(f form, channel [3]int) float64 {
	var sum float64
	for c, k := range channel {
		// mean of (gain y + offset - x)^2
		g, o := f.gain[2-k], f.offset[2-k]
		sum += g*g*m.restored2[c] + o*o*m.n + m.square[k] + 2*g*o*m.restored[c] - 2*g*m.product[c][k] - 2*o*m.image[k]
	}
	return sum / (3 * m.n)
}

// variance of the images' values about their channels' means.
func (m *Meter) variance() float64 {
	var sum float64
	for c := range 3 {
		sum += m.square[c] - m.image[c]*m.image[c]/m.n
	}
	return sum / (3 * m.n)
}

// Check is an error where another form fits the images far better than BGR 0..1
// does; it names that form. foreign says that the network is not from faird and is
// to fit: then it is an error too where no form does.
func (m *Meter) Check(foreign bool) error {
	if m.n == 0 {
		return nil
	}
	right := m.error2(forms[0], orders[0].channel)
	best, values, order := right, 0, 0
	for v, f := range forms {
		for o := range orders {
			if e := m.error2(f, orders[o].channel); e < best {
				best, values, order = e, v, o
			}
		}
	}
	explained := 1 - best/math.Max(m.variance(), 1e-12)
	switch {
	case explained >= enough && values != 0 && best < otherValues*right:
		return fmt.Errorf("the network restores %s %s, and faird needs BGR 0..1: %s in its last layer",
			orders[order].name, forms[values].name, remedy(values, order))
	case explained >= enough && values == 0 && order != 0 && best < otherOrder*right:
		return fmt.Errorf("the network restores RGB, and faird needs BGR: %s in its last layer", remedy(values, order))
	case foreign && !(explained > 0):
		return errors.New("what the network restores is nothing like the images: faird needs them as BGR 0..1, and 0..255, -1..1, ImageNet's normalisation and RGB do not fit either; " +
			"was it trained on this product, and with the high-pass of docs/method.md? --force goes on all the same")
	}
	return nil
}

// remedy is what the network's last layer should do.
func remedy(values, order int) string {
	convert := forms[values].remedy
	switch {
	case order == 0:
		return convert
	case convert == "":
		return "swap red and blue"
	}
	return convert + " and swap red and blue"
}
