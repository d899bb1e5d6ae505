package model

import (
	"encoding/json"
	"fmt"

	"faird/fair"
)

// Precisions in which a network may run. Golden samples give a tolerance for
// each, because a score moves with the arithmetic.
const (
	Float32 = "float32"
	TF32    = "tf32"    // float32 with 10-bit mantissas in products: CUDA, where allowed
	Float16 = "float16" // TensorRT with fp16
	Int8    = "int8"    // a quantized file
)

// sizeStep is what height and width must be multiples of: four max-pools.
const sizeStep = 16

// maxSize bounds height and width: beyond it a buffer's size is no longer sane.
const maxSize = 8192

// Spec is what a model file says about itself.
type Spec struct {
	Width, Height int // pixels, multiples of 16
	Channels      int // of the network's input; always the filter's
	Filter        fair.Filter
	Scoring       fair.Scoring
	Normal        *fair.Normal   // what the maps of good parts look like; nil: the score is eq. 10's
	Calibration   *Calibration   // nil: not calibrated
	Quantization  *Quantization  // nil: float32
	Golden        []GoldenSample // pictures with known scores; may be empty
	Training      json.RawMessage
}

// Quantization says how a network was brought to 8 bits.
type Quantization struct {
	Target string `json:"target"` // provider it was made for: cpu, tensorrt
	Scheme string `json:"scheme"`
}

// Precision is the arithmetic of the file itself, before a provider rounds.
func (s *Spec) Precision() string {
	if s.Quantization != nil {
		return Int8
	}
	return Float32
}

// Validate says what is wrong with the values, naming the metadata key.
func (s *Spec) Validate() error {
	if err := validateSize(s.Width, s.Height); err != nil {
		return err
	}
	if err := s.Filter.Validate(); err != nil {
		return fmt.Errorf("%s: %w", keyFilter, err)
	}
	if c := s.Filter.Channels(); s.Channels != c {
		return fmt.Errorf("the network takes %d channels, but filter %s makes %d: set %s to the filter it was trained with",
			s.Channels, s.Filter.Type, c, keyFilter)
	}
	if err := s.Scoring.Validate(); err != nil {
		return fmt.Errorf("%s: %w", keyScoring, err)
	}
	if s.Normal != nil {
		if err := s.Normal.Validate(); err != nil {
			return fmt.Errorf("%s: %w: run faird calibrate", keyNormal, err)
		}
	}
	if err := s.Calibration.validate(); err != nil {
		return fmt.Errorf("%s: %w: run faird calibrate", keyCalibration, err)
	}
	if q := s.Quantization; q != nil && (q.Target == "" || q.Scheme == "") {
		return fmt.Errorf("%s: target and scheme must both be named", keyQuantization)
	}
	for i := range s.Golden {
		if err := s.Golden[i].validate(s); err != nil {
			return fmt.Errorf("%s: sample %d: %w: run faird calibrate", keyGolden, i, err)
		}
	}
	if len(s.Training) > 0 && !json.Valid(s.Training) {
		return fmt.Errorf("%s: not JSON", keyTraining)
	}
	return nil
}

func validateSize(w, h int) error {
	switch {
	case w < sizeStep || h < sizeStep || w%sizeStep != 0 || h%sizeStep != 0:
		return fmt.Errorf("size %dx%d: width and height must be multiples of %d: train or export at such a size", w, h, sizeStep)
	case w > maxSize || h > maxSize:
		return fmt.Errorf("size %dx%d: width and height can be at most %d: train or export at a smaller size", w, h, maxSize)
	}
	return nil
}
