package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"faird/fair"
)

// Versions of the metadata. The second has keyNormal, without which the score is
// another: a program that only knows the first must refuse it.
const (
	format       = "1"
	formatNormal = "2"
)

// Metadata keys, all with string values.
const (
	prefix          = "faird."
	keyFormat       = prefix + "format"
	keyFilter       = prefix + "filter"
	keySize         = prefix + "size"
	keyColour       = prefix + "colour"
	keyScoring      = prefix + "scoring"
	keyNormal       = prefix + "normal"
	keyCalibration  = prefix + "calibration"
	keyQuantization = prefix + "quantization"
	keyGolden       = prefix + "golden"
	keyTraining     = prefix + "training"
)

// keys lists them in the order in which they are written.
var keys = []string{keyFormat, keyFilter, keySize, keyColour, keyScoring, keyNormal, keyCalibration, keyQuantization, keyGolden, keyTraining}

// colourBGR is the only colour order there is.
const colourBGR = "BGR"

// decodeSpec reads the metadata of a file whose input has the given shape, in
// which 0 is free. plain says that there is none.
func decodeSpec(meta map[string]string, in shape) (s Spec, plain bool, err error) {
	if plain, err = isPlain(meta); err != nil {
		return Spec{}, false, err
	}
	s = Spec{Channels: in.channels, Width: in.width, Height: in.height, Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()}
	if plain {
		err = s.decodePlain()
	} else {
		err = s.decode(meta)
	}
	if err == nil {
		err = in.agrees(s.Width, s.Height)
	}
	if err == nil {
		err = s.Validate()
	}
	return s, plain, err
}

func isPlain(meta map[string]string) (bool, error) {
	version, ok := meta[keyFormat]
	if ok && version != format && version != formatNormal {
		return false, fmt.Errorf("%s is %q, this faird reads %s and %s: update faird, or train the model again with this one",
			keyFormat, version, format, formatNormal)
	}
	if !ok {
		for key := range meta {
			if strings.HasPrefix(key, prefix) {
				return false, fmt.Errorf("it has %s but no %s: add %s=%s, or remove the %s* metadata", key, keyFormat, keyFormat, format, prefix)
			}
		}
	}
	return !ok, nil
}

// decodePlain keeps the paper's constants.
func (s *Spec) decodePlain() error {
	if s.Channels != s.Filter.Channels() {
		return fmt.Errorf("the network takes %d channels; without metadata it must take 1 (the paper's Butterworth filter): add %s=%s and %s, %s, %s and %s",
			s.Channels, keyFormat, format, keyFilter, keySize, keyColour, keyScoring)
	}
	if s.Width == 0 || s.Height == 0 {
		return fmt.Errorf("the input's height and width are free: export with a fixed size, or add faird's metadata with %s", keySize)
	}
	return nil
}

func (s *Spec) decode(meta map[string]string) (err error) {
	for _, key := range []string{keyFilter, keySize, keyColour, keyScoring} {
		if meta[key] == "" {
			return fmt.Errorf("its metadata lacks %s: write the file again with faird train or faird calibrate", key)
		}
	}
	if c := meta[keyColour]; c != colourBGR {
		return fmt.Errorf("%s is %q, must be %s: train or export the network for %s pictures", keyColour, c, colourBGR, colourBGR)
	}
	if err := parseSize(meta[keySize], &s.Width, &s.Height); err != nil {
		return err
	}
	s.Filter, s.Scoring = fair.Filter{}, fair.Scoring{}
	s.Training = json.RawMessage(meta[keyTraining])
	if has := meta[keyNormal] != ""; has != (meta[keyFormat] == formatNormal) {
		return fmt.Errorf("%s is %q: it must be %s with %s and %s without: write the file again with faird train or faird calibrate",
			keyFormat, meta[keyFormat], formatNormal, keyNormal, format)
	}
	if s.Normal, err = decodeNormal(meta[keyNormal]); err != nil {
		return err
	}
	return cmp.Or(
		unmarshal(meta, keyFilter, &s.Filter),
		unmarshal(meta, keyScoring, &s.Scoring),
		unmarshal(meta, keyCalibration, &s.Calibration),
		unmarshal(meta, keyQuantization, &s.Quantization),
		unmarshal(meta, keyGolden, &s.Golden),
	)
}

// encode is the inverse of decode; keys without a value get "".
func (s *Spec) encode() (map[string]string, error) {
	meta := map[string]string{
		keyFormat: format, keyColour: colourBGR, keyTraining: string(s.Training),
		keySize: fmt.Sprintf("%dx%d", s.Width, s.Height),
	}
	err := cmp.Or(marshal(meta, keyFilter, s.Filter), marshal(meta, keyScoring, s.Scoring))
	if s.Normal != nil {
		meta[keyFormat], meta[keyNormal] = formatNormal, encodeNormal(s.Normal)
	}
	if s.Calibration != nil {
		err = cmp.Or(err, marshal(meta, keyCalibration, s.Calibration))
	}
	if s.Quantization != nil {
		err = cmp.Or(err, marshal(meta, keyQuantization, s.Quantization))
	}
	if len(s.Golden) > 0 {
		err = cmp.Or(err, marshal(meta, keyGolden, s.Golden))
	}
	return meta, err
}

func marshal(meta map[string]string, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	meta[key] = string(b)
	return nil
}

// unmarshal is strict: a field that nobody reads would be a silent default.
func unmarshal(meta map[string]string, key string, v any) error {
	if meta[key] == "" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(meta[key])))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s is not what this faird writes: %w", key, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s has something after its JSON value", key)
	}
	return nil
}

func parseSize(text string, w, h *int) error {
	var rest string
	if n, _ := fmt.Sscanf(text+" .", "%dx%d %s", w, h, &rest); n != 3 || rest != "." {
		return fmt.Errorf("%s is %q, must be WIDTHxHEIGHT in pixels", keySize, text)
	}
	return nil
}
