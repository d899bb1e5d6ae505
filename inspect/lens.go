package inspect

import (
	"errors"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/fair/highpass"
	"faird/inspect/validity"
)

// lens brings a picture, or a tile of one, to what the network and the scorer
// take, at the model's size. It owns its buffers.
type lens struct {
	w, h     int
	resizer  *resizer
	gate     *validity.Gate // nil: every picture is worth a score
	grey     gocv.Mat       // [h,w] CV_32F 0..1
	highPass *highpass.HighPass
}

func newLens(w, h int, f fair.Filter, gate *validity.Gate) (*lens, error) {
	l := &lens{w: w, h: h, gate: gate, resizer: newResizer(w, h), grey: gocv.NewMatWithSize(h, w, gocv.MatTypeCV32F)}
	var err error
	if l.highPass, err = highpass.New(h, w, f); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// take fills planes, [3,h,w] BGR 0..1, and the network's input, unless it is nil,
// and lets the gate measure the picture.
func (l *lens) take(part gocv.Mat, planes, input []float32) error {
	bgr, err := l.resizer.resize(part)
	if err != nil {
		return err
	}
	if l.gate != nil {
		if err := l.gate.Add(bgr); err != nil {
			return err
		}
	}
	grey, err := l.grey.DataPtrFloat32()
	if err != nil {
		return err
	}
	fair.Planes(bgr, planes, grey)
	if input == nil {
		return nil
	}
	return l.highPass.Apply(l.grey, input)
}

func (l *lens) close() error {
	err := errors.Join(l.resizer.close(), l.grey.Close())
	if l.highPass != nil {
		err = errors.Join(err, l.highPass.Close())
	}
	return err
}
