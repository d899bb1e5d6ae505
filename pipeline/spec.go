package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"faird/config"
)

// fromRegions is the origin of thresholds that are the regions', not the
// station's.
const fromRegions = "regions"

// errSeveral refuses what is meant for a station with one region.
var errSeveral = errors.New("the station has several regions, each with a model and thresholds of its own: change them in the config file")

// inspectorSpec is what a station's inspector has to be.
type inspectorSpec struct {
	fingerprint string     // differs where another inspector is needed
	configured  Thresholds // the config's or the model's; of Origin fromRegions where there are several regions
	missing     error      // why there are none
}

// limits are the thresholds in force under an operator's override, nil for none.
func (s *inspectorSpec) limits(override *Thresholds) (Thresholds, error) {
	if override != nil && s.configured.Origin != fromRegions {
		return *override, nil
	}
	return s.configured, s.missing
}

// specFor reads the files that a station's inspector is made of.
func specFor(ctx context.Context, from *files, c config.Station) (inspectorSpec, error) {
	s := inspectorSpec{configured: Thresholds{Origin: fromRegions}}
	sum := sha256.New()
	for _, one := range regions(c) {
		if err := s.addRegion(ctx, from, sum, one, len(c.Regions) > 0); err != nil {
			return s, err
		}
	}
	if a := c.Align; a != nil {
		hashInto(sum, a)
		if err := hashFileInto(sum, a.Reference); err != nil {
			return s, fmt.Errorf("station %s: align.reference: %w", c.Name, err)
		}
	}
	s.fingerprint = fmt.Sprintf("%x", sum.Sum(nil))
	return s, nil
}

// addRegion hashes one region. The thresholds of one among several are part of
// its inspector; those of a station as a whole are not.
func (s *inspectorSpec) addRegion(ctx context.Context, from *files, sum hash.Hash, one config.Station, several bool) error {
	f, err := from.model(ctx, one.Model)
	if err != nil {
		return fmt.Errorf("station %s: %w", one.Name, err)
	}
	limits, err := thresholds(one, f)
	switch {
	case !several:
		s.configured, s.missing = limits, err
	case err != nil:
		return err
	default:
		hashInto(sum, limits)
	}
	hashInto(sum, one.Name, f.Hash, one.ROI, one.Rotate, one.Flip, one.Tiles, one.Validity, one.Drift)
	if err := hashFileInto(sum, one.IgnoreMask); err != nil {
		return fmt.Errorf("station %s: ignore_mask: %w", one.Name, err)
	}
	return nil
}

// regions are what a station inspects, each as a station that inspects nothing
// else.
func regions(c config.Station) []config.Station {
	several := c.Several()
	if several == nil {
		return []config.Station{c}
	}
	var all []config.Station
	for _, r := range several {
		one := c
		one.Name += ", region " + r.Name
		one.Model, one.Threshold, one.Review = r.Model, r.Threshold, r.Review
		one.ROI, one.IgnoreMask, one.Rotate, one.Flip, one.Tiles = r.ROI, r.IgnoreMask, r.Rotate, r.Flip, r.Tiles
		one.Align, one.Regions = nil, nil
		all = append(all, one)
	}
	return all
}

func hashInto(sum hash.Hash, values ...any) {
	_ = json.NewEncoder(sum).Encode(values) // of plain values, into memory
}

// hashFileInto adds a file's content, or that there is none.
func hashFileInto(sum hash.Hash, path string) error {
	hashInto(sum, path != "")
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(sum, f)
	return err
}
