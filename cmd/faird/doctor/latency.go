package doctor

import (
	"context"
	"fmt"
	"os"
	"time"

	"faird/camera"
	"faird/config"
	"faird/verdict"
)

// latencyStep is what a recommended latency is rounded up to.
const latencyStep = 10 * time.Millisecond

// latency compares what a camera takes from exposure to arrival with what is
// reckoned with.
func (d *Doctor) latency(ctx context.Context, cam *camera.Camera, s config.Station, measured bool, detail *cameraDetail) Finding {
	triggered := s.Trigger.Mode != "free"
	switch {
	case measured:
		return ok("it tells when each picture was exposed, so no latency is assumed")
	case d.options.Light == "" && triggered:
		return warn(fmt.Sprintf("a latency of %v is assumed and was not measured here", cam.Latency()),
			"put a light that this machine switches before the camera and run faird doctor --station "+s.Name+" --light FILE")
	case d.options.Light == "":
		return ok(fmt.Sprintf("a latency of %v is assumed; without triggers it does not matter", cam.Latency()))
	}
	l, err := cam.MeasureLatency(ctx, switchOf(d.options.Light))
	if err != nil {
		return fail("the latency could not be measured: "+err.Error(), "see that --light switches a light and that the camera sees it")
	}
	detail.Measured = &measuredLatency{verdict.Millis(l.Shortest), verdict.Millis(l.Median), verdict.Millis(l.Longest)}
	need := (l.Longest + latencyStep - 1).Truncate(latencyStep)
	what := fmt.Sprintf("from the light to its picture %v to %v (middle %v) in %d tries; %v is reckoned with",
		l.Shortest.Round(time.Millisecond), l.Longest.Round(time.Millisecond), l.Median.Round(time.Millisecond), l.Rounds, cam.Latency())
	switch {
	case need <= cam.Latency():
		return ok(what)
	case triggered:
		return fail(what, fmt.Sprintf("set latency=%v in the camera's url: as it is, a picture from before the trigger can be judged", need))
	default:
		return warn(what, fmt.Sprintf("set latency=%v in the camera's url before the station is triggered", need))
	}
}

// switchOf is what switches a light: a file that takes 1 and 0, or the terminal,
// whose screen is turned black on white (DECSCNM).
func switchOf(name string) func(on bool) error {
	if name == "screen" {
		return func(on bool) error {
			_, err := fmt.Fprint(os.Stderr, map[bool]string{true: "\x1b[?5h", false: "\x1b[?5l"}[on])
			return err
		}
	}
	return func(on bool) error {
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0) // never made: it is a device's
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString(map[bool]string{true: "1", false: "0"}[on])
		return err
	}
}
