package pipeline

import (
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/inspect"
	"faird/verdict"
)

// Audience is shown every verdict once it is on its way to the PLC, for people
// to look at. It runs on the station's loop: it must be quick.
type Audience interface {
	// Show is given the frame where the verdict has a picture, else nil. Where it
	// keeps the frame it is the one to release it. look gives what the picture was
	// judged by, nil where it was not; it is good for the length of the call.
	Show(v *verdict.Verdict, key int64, f *camera.Frame, look func() *inspect.Look) (kept bool)
}

// looker is an inspector that lets people see what it saw.
type looker interface {
	Look(picture gocv.Mat) (inspect.Look, error)
}

// sight is the judging loop's: what it inspected last, and whether the audience
// keeps the frame.
type sight struct {
	inspector looker // nil: the frame at hand was not judged
	kept      bool
}

func (s *Station) show(v *verdict.Verdict, key int64, f *camera.Frame) {
	if s.deps.Audience == nil {
		return
	}
	if f == nil {
		s.deps.Audience.Show(v, key, nil, nothing)
		return
	}
	s.sight.kept = s.deps.Audience.Show(v, key, f, func() *inspect.Look {
		if s.sight.inspector == nil || v.Score == nil {
			return nil
		}
		l, err := s.sight.inspector.Look(f.Picture)
		if err != nil {
			return nil
		}
		return &l
	})
}

func nothing() *inspect.Look { return nil }

// release gives the frame back, where the audience does not keep it.
func (s *Station) release(f *camera.Frame) {
	if !s.sight.kept {
		f.Release()
	}
	s.sight = sight{}
}
