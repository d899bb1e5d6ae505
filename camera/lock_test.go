package camera

import (
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

// locked is a driver with controls, of which some are stuck at their value.
type locked struct {
	stubborn
	values map[gocv.VideoCaptureProperties]float64
	stuck  map[gocv.VideoCaptureProperties]bool
}

func (c *locked) Set(p gocv.VideoCaptureProperties, v float64) {
	c.asked = append(c.asked, p)
	if !c.stuck[p] {
		c.values[p] = v
	}
}

func (c *locked) Get(p gocv.VideoCaptureProperties) float64 { return c.values[p] }

func TestLightIsLockedAndChecked(t *testing.T) {
	for _, c := range []struct {
		query string
		stuck gocv.VideoCaptureProperties // 0: none
		asked int
		wrong string
	}{
		{"", 0, 0, ""},
		{"exposure=156", 0, 2, ""},
		{"exposure=156&gain=0&white_balance=4600", 0, 5, ""},
		{"exposure=156", gocv.VideoCaptureExposure, 2, "exposure is to be 156 and is 7"},
		{"exposure=156", gocv.VideoCaptureAutoExposure, 2, "automatic exposure (1: off) is to be 1 and is 7"},
		{"white_balance=4600", gocv.VideoCaptureAutoWB, 2, "automatic white balance (0: off) is to be 0 and is 7"},
		{"gain=3", gocv.VideoCaptureGain, 1, "gain is to be 3 and is 7"},
	} {
		q := newQuery("v4l2", c.query)
		l := q.lock()
		if err := q.finish(); err != nil {
			t.Fatal(err)
		}
		d := &locked{values: map[gocv.VideoCaptureProperties]float64{c.stuck: 7}, stuck: map[gocv.VideoCaptureProperties]bool{c.stuck: true}}
		l.ask(d)
		if len(d.asked) != c.asked {
			t.Errorf("%s: asked for %v", c.query, d.asked)
		}
		err := l.check(d)
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", c.query, err, c.wrong)
		}
	}
	q := newQuery("v4l2", "exposure=0")
	if q.lock(); q.finish() == nil {
		t.Error("an exposure of 0 is taken")
	}
}
