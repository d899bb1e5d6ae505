package aravis

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"faird/camera/aravis/arvtest"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// find waits until the fake camera answers.
func find(t *testing.T) Device {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		devices, err := List()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range devices {
			if d.Serial == arvtest.Serial {
				return d
			}
		}
	}
	t.Fatal("the fake camera never answered")
	return Device{}
}

func open(t *testing.T, options ...string) *Camera {
	t.Helper()
	arvtest.New(t, options...)
	c, err := Open(find(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestListAndOpen(t *testing.T) {
	arvtest.New(t)
	d := find(t)
	if d.ID != arvtest.Name || d.Vendor != "Aravis" || d.Address != arvtest.Address || d.Protocol != "GigEVision" {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{d.ID, d.Address} {
		c, err := Open(name)
		must(t, err)
		if !c.GigE() || c.Lost() {
			t.Errorf("%s: GigE %v, lost %v", name, c.GigE(), c.Lost())
		}
		c.Close()
		c.Close() // does nothing
	}
	if _, err := Open("No-Such-Camera-1"); err == nil || !strings.Contains(err.Error(), "No-Such-Camera-1") {
		t.Errorf("error %v", err)
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	c := open(t)
	must(t, c.SetRegion(16, 8, 320, 240))
	x, y, w, h, err := c.Region()
	must(t, err)
	if x != 16 || y != 8 || w != 320 || h != 240 {
		t.Errorf("region %d,%d %dx%d", x, y, w, h)
	}
	must(t, c.SetFormat("Mono16"))
	if f, err := c.Format(); err != nil || f != "Mono16" {
		t.Errorf("format %q, %v", f, err)
	}
	must(t, c.SetExposure(3*time.Millisecond))
	if d, err := c.Exposure(); err != nil || d != 3*time.Millisecond {
		t.Errorf("exposure %v, %v", d, err)
	}
	must(t, c.SetGain(4))
	if g, err := c.Gain(); err != nil || math.Abs(g-4) > 0.1 {
		t.Errorf("gain %v, %v", g, err)
	}
	must(t, c.SetRate(40))
	if r, err := c.Rate(); err != nil || math.Abs(r-40) > 0.4 {
		t.Errorf("rate %v, %v", r, err)
	}
	for _, bytes := range []int{1400, 0} { // the fake camera has no packets to find the largest size with, so it stays
		if got, err := c.SetPacket(bytes); err != nil || got != 1400 {
			t.Errorf("packet size %d became %d, %v", bytes, got, err)
		}
	}
	must(t, c.SetFeature("AcquisitionMode", "SingleFrame"))
	if v, err := c.Feature("AcquisitionMode"); err != nil || v != "SingleFrame" {
		t.Errorf("feature %q, %v", v, err)
	}
	if err := c.SetFormat("Mono47"); err == nil {
		t.Error("a pixel format that is not there was set")
	}
	if err := c.SetFeature("NoSuchFeature", "1"); err == nil || !strings.Contains(err.Error(), "NoSuchFeature") {
		t.Errorf("error %v", err)
	}
	if _, err := c.Feature("NoSuchFeature"); err == nil {
		t.Error("a feature that is not there was read")
	}
}

func TestPicturesCome(t *testing.T) {
	c := open(t)
	must(t, c.SetTrigger(""))
	must(t, c.SetRegion(0, 0, 256, 128))
	must(t, c.SetRate(50))
	must(t, c.Start(4))
	var last uint64
	for range 10 {
		p, ok := c.Grab(patience)
		if !ok || p.Err != nil {
			t.Fatalf("picture %v, %v", ok, p.Err)
		}
		if p.Width != 256 || p.Height != 128 || p.Format != Mono8 || len(p.Pixels) < 256*128 || p.ID <= last {
			t.Errorf("%dx%d %v, %d bytes, id %d after %d", p.Width, p.Height, p.Format, len(p.Pixels), p.ID, last)
		}
		if age := time.Since(p.Arrived); age < -time.Second || age > patience {
			t.Errorf("it arrived %v ago", age)
		}
		last = p.ID
		c.Return(p)
	}
	if whole, _, _ := c.Statistics(); whole < 10 {
		t.Errorf("%d whole pictures", whole)
	}
}

func TestSoftwareTrigger(t *testing.T) {
	c := open(t)
	must(t, c.SetRegion(0, 0, 128, 128)) // fits the socket's buffer, however busy the machine
	must(t, c.SetTrigger("Software"))
	must(t, c.Start(2))
	if p, ok := c.Grab(100 * time.Millisecond); ok {
		t.Errorf("picture %d came without a trigger", p.ID)
	}
	for range 3 {
		fired := time.Now()
		must(t, c.Fire())
		p, ok := c.Grab(patience)
		if !ok || p.Err != nil || p.Arrived.Before(fired.Add(-time.Millisecond)) {
			t.Fatalf("picture %v, %v, arrived %v after the trigger", ok, p.Err, p.Arrived.Sub(fired))
		}
		c.Return(p)
	}
}

// The fake camera loses packets, and asking for them again is of no use: it does
// not keep them.
func TestBrokenPicturesAreToldApart(t *testing.T) {
	c := open(t, "-r", "40")
	must(t, c.SetRate(50))
	must(t, c.Start(4))
	for end := time.Now().Add(patience); time.Now().Before(end); {
		p, ok := c.Grab(time.Second)
		if !ok {
			continue
		}
		c.Return(p)
		if p.Err != nil {
			if !errors.Is(p.Err, ErrIncomplete) || p.Pixels != nil {
				t.Errorf("%v with %d bytes", p.Err, len(p.Pixels))
			}
			return
		}
	}
	t.Error("no picture was broken though one packet of 25 is lost")
}

func TestFormats(t *testing.T) {
	if Mono12.Bits() != 16 || RGB8.Bits() != 24 || Mono12.String() != "Mono12" || Format(1).String() != "pixel format 0x00000001" {
		t.Error(Mono12.Bits(), RGB8.Bits(), Mono12, Format(1))
	}
}
