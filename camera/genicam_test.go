package camera

import (
	"strings"
	"testing"
	"time"

	"faird/camera/aravis"
	"faird/camera/aravis/arvtest"
	"faird/camera/fault"
	"faird/config"
	"faird/verdict"

	"gocv.io/x/gocv"
)

const (
	// small fits the socket's buffer, however busy the machine.
	small = "width=128&height=96"
	fake  = "genicam://" + arvtest.Name + "?" + small
)

func needAravis(t *testing.T) {
	t.Helper()
	if err := aravis.Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
}

func TestGeniCamRunsFreely(t *testing.T) {
	needAravis(t)
	arvtest.New(t)
	for _, name := range []string{arvtest.Serial, arvtest.Address, "/" + arvtest.Name} {
		t.Run(name, func(t *testing.T) {
			cam := start(t, "genicam://"+name+"?fps=50&exposure=2ms&gain=3&pixel=Mono8&packet=1400&"+small, config.Camera{})
			for range 3 {
				trigger := time.Now()
				f := nextIntact(t, cam, trigger)
				if f.Picture.Cols() != 128 || f.Picture.Rows() != 96 || f.Picture.Type() != gocv.MatTypeCV8UC3 {
					t.Errorf("%dx%d type %v", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Type())
				}
				if !f.Captured.After(trigger) || f.Exposure != verdict.Measured { // its clock is this machine's
					t.Errorf("captured %v after the trigger, %s", f.Captured.Sub(trigger), f.Exposure)
				}
				f.Release()
			}
			if st := cam.Status(); st.OnCall || st.Abandoned != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// nextIntact passes over images of which the busy machine lost a packet.
func nextIntact(t *testing.T, cam *Camera, after time.Time) *Frame {
	t.Helper()
	for {
		f := next(t, cam, after)
		if f.Err == nil {
			return f
		}
		if fault.Of(f.Err) != verdict.Incomplete {
			t.Fatal(f.Err)
		}
		f.Release()
	}
}

func TestGeniCamFormats(t *testing.T) {
	needAravis(t)
	arvtest.New(t)
	for _, format := range []string{"Mono8", "Mono16", "BayerRG8", "RGB8"} {
		t.Run(format, func(t *testing.T) {
			f := nextIntact(t, start(t, fake+"&fps=50&pixel="+format, config.Camera{}), time.Time{})
			if f.Picture.Type() != gocv.MatTypeCV8UC3 || f.Picture.Cols() != 128 {
				t.Errorf("%d columns of type %v", f.Picture.Cols(), f.Picture.Type())
			}
			f.Release()
		})
	}
}

func TestGeniCamSettingsAreChecked(t *testing.T) {
	needAravis(t)
	arvtest.New(t)
	for query, want := range map[string][]string{
		"width=100000&height=96": {`width="100000"`}, // refused before any camera is asked
		"pixel=Mono12":           {"Mono12"},
		"trigger=Line7":          {"trigger Line7"},

		"gain=2.5":                   {"gain 2.5", "says 2:"},
		"NoSuchFeature=1":            {"NoSuchFeature"},
		"gain=2.5&pixel=Mono12":      {"Mono12", "gain 2.5", "says 2:"},
		"AcquisitionMode=SingleShot": {"AcquisitionMode", "SingleShot"},
	} {
		cfg := config.Camera{URL: "genicam://" + arvtest.Serial + "?" + query}
		if _, err := Open(cfg, nopLog); err != nil {
			wantParts(t, query, err.Error(), want)
			continue
		}
		t.Run(query, func(t *testing.T) {
			cam := start(t, cfg.URL, config.Camera{})
			st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, want[0]) || s.Connected })
			wantParts(t, query, st.Err, want)
		})
	}
}

func TestExposureIsReadBack(t *testing.T) {
	needAravis(t)
	arvtest.HalvesExposure(t)
	cam := start(t, fake+"&exposure=4ms", config.Camera{})
	st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "exposure") || s.Connected })
	wantParts(t, "exposure", st.Err, []string{"exposure 4ms was asked for and the camera says 2ms"})
}

func wantParts(t *testing.T, what, text string, parts []string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s: %q does not name %q", what, text, p)
		}
	}
}

func TestGeniCamSoftwareTrigger(t *testing.T) {
	needAravis(t)
	arvtest.New(t)
	cam := start(t, fake+"&trigger=Software", config.Camera{})
	eventually(t, cam, "connected before any picture", func(s Status) bool { return s.Connected && s.OnCall && s.Frames == 0 })
	time.Sleep(2 * genicamSlice)
	if s := cam.Status(); s.Frames != 0 || !s.Connected {
		t.Errorf("nobody asked for a picture: %+v", s)
	}
	for i := range 5 {
		trigger := time.Now()
		if i == 4 {
			trigger = time.Time{} // free run: whenever the taker is ready
		}
		asked := time.Now()
		f := next(t, cam, trigger)
		if f.Err != nil || f.Captured.Before(asked) || f.Exposure != verdict.Measured {
			t.Errorf("picture %d: %v, exposed %v after it was asked for, %s", i, f.Err, f.Captured.Sub(asked), f.Exposure)
		}
		f.Release()
	}
}

func TestGeniCamLineTrigger(t *testing.T) {
	needAravis(t)
	arvtest.WithLine(t)
	p, err := parse(fake + "&trigger=Line0")
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan *genicam, 10)
	make := p.source
	p.source = func(c config.Camera, n uint64) source {
		s := make(c, n)
		opened <- s.(*genicam)
		return s
	}
	cam := newCamera(withDefaults(config.Camera{}), p, nopLog)
	runUntilEnd(t, cam)
	eventually(t, cam, "connected and quiet", func(s Status) bool { return s.Connected && s.OnCall })
	time.Sleep(3 * genicamSlice) // an idle line is no outage
	if s := cam.Status(); !s.Connected || s.Frames != 0 {
		t.Fatalf("%+v", s)
	}
	g := <-opened
	for len(opened) > 0 { // those before found the camera still starting
		g = <-opened
	}
	for i := range 3 {
		if err := g.camera.Fire(); err != nil { // an edge on Line0
			t.Fatal(err)
		}
		f := next(t, cam, time.Time{})
		if f.Err != nil || f.Sequence != uint64(i+1) {
			t.Errorf("part %d: sequence %d, %v", i+1, f.Sequence, f.Err)
		}
		f.Release()
	}
	if s := cam.Status(); s.Frames != 3 || s.Dropped != 0 || !cam.Every() {
		t.Errorf("%+v", s)
	}
}

func TestGeniCamThatIsNotThere(t *testing.T) {
	needAravis(t)
	arvtest.New(t).Kill()
	for name, want := range map[string]string{
		arvtest.Address: "no GigE Vision camera answers at " + arvtest.Address,
		"NOBODY-1":      `no camera "NOBODY-1" answers`,
	} {
		cam := start(t, "genicam://"+name, config.Camera{})
		st := eventually(t, cam, "refused "+name, func(s Status) bool { return strings.Contains(s.Err, want) })
		if st.Abandoned != 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestGeniCamComesBack(t *testing.T) {
	needAravis(t)
	c := arvtest.New(t)
	comesBack(t, start(t, fake+"&fps=50", asShipped()), outages(t, 2), c.Kill, func() { c.Start(t) })
}

func TestTriggeredGeniCamIsMissedAndComesBack(t *testing.T) {
	needAravis(t)
	c := arvtest.New(t)
	cam := start(t, fake+"&trigger=Software", config.Camera{})
	next(t, cam, time.Now()).Release()
	c.Kill()
	eventually(t, cam, "lost, though nothing was asked of it", func(s Status) bool { return !s.Connected })
	c.Start(t)
	eventually(t, cam, "back", func(s Status) bool { return s.Connected })
	next(t, cam, time.Now()).Release()
}
