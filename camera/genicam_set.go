package camera

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"faird/camera/aravis"
)

// How far a camera may round what was asked of it.
const (
	exposureTolerance = 0.02 // share of the exposure time
	gainTolerance     = 0.1  // dB, or the camera's unit
	rateTolerance     = 0.01 // share of the rate
)

// apply sets the camera and reads every setting back. All differences are told
// together, each with both values.
func (s genicamSettings) apply(c *aravis.Camera) error {
	var wrong []error
	for _, step := range []func(*aravis.Camera) error{
		s.setFree, s.setFormat, s.setRegion, s.setExposure, s.setGain, s.setRate, s.setTrigger, s.setFeatures, s.setPacket,
	} {
		if err := step(c); err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := together(wrong); err != nil {
		return fmt.Errorf("the camera does not do what was asked: %w: see its manual for what it can", err)
	}
	return nil
}

// together joins errors in one line.
func together(list []error) error {
	if len(list) == 0 {
		return nil
	}
	all := list[0]
	for _, err := range list[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

// setFree ends the triggering that a camera may have kept from before.
func (s genicamSettings) setFree(c *aravis.Camera) error {
	if s.trigger == "" {
		_ = c.SetTrigger("") // a camera without triggers has none to end
	}
	return nil
}

func (s genicamSettings) setFormat(c *aravis.Camera) error {
	if s.format == "" {
		return nil
	}
	if err := c.SetFormat(s.format); err != nil {
		return fmt.Errorf("pixel %s: %w", s.format, err)
	}
	got, err := c.Format()
	if err == nil && got != s.format {
		err = difference("pixel format", s.format, got)
	}
	return err
}

func (s genicamSettings) setRegion(c *aravis.Camera) error {
	if s.width == 0 && s.height == 0 && s.x < 0 && s.y < 0 {
		return nil
	}
	if err := c.SetRegion(s.x, s.y, s.width, s.height); err != nil {
		return fmt.Errorf("size %dx%d: %w", s.width, s.height, err)
	}
	x, y, w, h, err := c.Region()
	if err != nil {
		return err
	}
	var wrong []error
	for _, v := range []struct {
		name             string
		asked, got, asIs int
	}{{"width", s.width, w, 0}, {"height", s.height, h, 0}, {"x", s.x, x, -1}, {"y", s.y, y, -1}} {
		if v.asked != v.asIs && v.asked != v.got {
			wrong = append(wrong, difference(v.name, v.asked, v.got))
		}
	}
	return together(wrong)
}

func (s genicamSettings) setExposure(c *aravis.Camera) error {
	if s.exposure == 0 {
		return nil
	}
	if err := c.SetExposure(s.exposure); err != nil {
		return fmt.Errorf("exposure %v: %w", s.exposure, err)
	}
	got, err := c.Exposure()
	if err == nil && math.Abs(float64(got-s.exposure)) > exposureTolerance*float64(s.exposure) {
		err = difference("exposure", s.exposure, got)
	}
	return err
}

func (s genicamSettings) setGain(c *aravis.Camera) error {
	if s.gain == nil {
		return nil
	}
	if err := c.SetGain(*s.gain); err != nil {
		return fmt.Errorf("gain %v: %w", *s.gain, err)
	}
	got, err := c.Gain()
	if err == nil && math.Abs(got-*s.gain) > gainTolerance {
		err = difference("gain", *s.gain, got)
	}
	return err
}

func (s genicamSettings) setRate(c *aravis.Camera) error {
	if s.fps == 0 {
		return nil
	}
	if err := c.SetRate(s.fps); err != nil {
		return fmt.Errorf("fps %v: %w", s.fps, err)
	}
	got, err := c.Rate()
	if err == nil && math.Abs(got-s.fps) > rateTolerance*s.fps {
		err = difference("fps", s.fps, got)
	}
	return err
}

func (s genicamSettings) setTrigger(c *aravis.Camera) error {
	if s.trigger == "" {
		return nil
	}
	if err := c.SetTrigger(s.trigger); err != nil {
		return fmt.Errorf("trigger %s: %w", s.trigger, err)
	}
	for _, f := range []feature{{"TriggerMode", "On"}, {"TriggerSource", s.trigger}} {
		if got, err := c.Feature(f.name); err != nil || got != f.value {
			return errors.Join(err, difference(f.name, f.value, got))
		}
	}
	return nil
}

func (s genicamSettings) setFeatures(c *aravis.Camera) error {
	for _, f := range s.features {
		if err := c.SetFeature(f.name, f.value); err != nil {
			return err
		}
		if got, err := c.Feature(f.name); err != nil || !sameValue(f.value, got) {
			return errors.Join(err, difference(f.name, f.value, got))
		}
	}
	return nil
}

// sameValue compares as numbers what are numbers, to 1%.
func sameValue(asked, got string) bool {
	a, errA := strconv.ParseFloat(asked, 64)
	b, errB := strconv.ParseFloat(got, 64)
	if errA != nil || errB != nil {
		return strings.EqualFold(asked, got)
	}
	return math.Abs(a-b) <= 0.01*math.Abs(a)
}

func (s genicamSettings) setPacket(c *aravis.Camera) error {
	if !c.GigE() {
		return nil
	}
	got, err := c.SetPacket(s.packet)
	if err != nil {
		return fmt.Errorf("packet size: %w", err)
	}
	if s.packet != 0 && got != s.packet {
		return difference("packet size", s.packet, got)
	}
	return nil
}

// exposureOf is the exposure time in force, 0 where the camera does not tell.
func exposureOf(c *aravis.Camera) time.Duration {
	d, err := c.Exposure()
	if err != nil {
		return 0
	}
	return max(d, 0)
}
