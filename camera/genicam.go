package camera

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"faird/config"
)

const (
	// genicamLatency covers what passes between the end of an exposure and the
	// first packet, where the camera's clock does not tell.
	genicamLatency = 20 * time.Millisecond
	// genicamClosing is how long Aravis takes to give up a camera that is gone: the
	// heartbeat's and the farewell's time-outs, with their retries.
	genicamClosing = 8 * time.Second

	softwareTrigger = "Software"
)

// genicamSettings are what is asked of a GenICam camera. Zero values are not
// asked.
type genicamSettings struct {
	name          string // ID, serial number, MAC or IP address
	x, y          int    // -1: as it is
	width, height int
	format        string
	fps           float64
	exposure      time.Duration
	gain          *float64
	trigger       string // Line1, Software …; "" runs freely
	packet        int    // bytes; 0 finds the largest
	features      []feature
}

// feature is a GenICam feature by the camera's own name.
type feature struct{ name, value string }

// parseGeniCam understands genicam://name?exposure=5ms&gain=3&trigger=Line1….
// Keys that begin with a capital letter are features of the camera itself.
func parseGeniCam(u *url.URL, q *query) (plan, error) {
	s := genicamSettings{name: strings.Trim(u.Host+u.Path, "/")}
	if s.name == "" {
		return plan{}, errors.New("no camera: write genicam://IP-address, genicam://serial-number or genicam:///vendor-serial; faird doctor lists those it sees")
	}
	s.width, s.height = q.whole("width", 0, 1, 65536), q.whole("height", 0, 1, 65536)
	s.x, s.y = q.whole("x", -1, 0, 65536), q.whole("y", -1, 0, 65536)
	s.fps = q.number("fps", 0, 0.01, 100000)
	s.exposure = q.duration("exposure", 0, time.Minute)
	if q.values.Has("gain") {
		gain := q.number("gain", 0, -1000, 1000)
		s.gain = &gain
	}
	s.format, _ = q.get("pixel")
	s.trigger, _ = q.get("trigger")
	s.packet = q.whole("packet", 0, 0, 16384)
	s.features = q.features(u.RawQuery)
	if s.trigger != "" && s.fps != 0 {
		return plan{}, errors.New("fps and trigger: a triggered camera has no rate of its own; take one out")
	}
	return s.plan(q.duration("latency", genicamLatency, maxLatency)), nil
}

func (s genicamSettings) plan(latency time.Duration) plan {
	p := plan{latency: latency, closing: genicamClosing, onCall: s.trigger != "", every: s.trigger != "" && s.trigger != softwareTrigger}
	if s.trigger == softwareTrigger {
		p.demand = make(chan struct{}, 1)
	}
	known := &acquaintance{}
	p.source = checking(mode{fps: s.fps}, func(c config.Camera, _ uint64) source {
		return &genicam{settings: s, demand: p.demand, known: known, patience: c.ReadTimeout, maxPixels: c.MaxPixels}
	})
	return p
}

// features are the keys that begin with a capital letter, in their order: what a
// camera accepts may depend on what was set before.
func (q *query) features(raw string) (list []feature) {
	for _, pair := range strings.Split(raw, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if key != "" && key[0] >= 'A' && key[0] <= 'Z' {
			value, _ := q.get(key)
			list = append(list, feature{key, value})
		}
	}
	return list
}

// difference is one setting that the camera did not take.
func difference(what string, asked, got any) error {
	return fmt.Errorf("%s %v was asked for and the camera says %v", what, asked, got)
}
