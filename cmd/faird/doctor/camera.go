package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
	"faird/verdict"
)

// rateWatch is how long a live camera's rate is watched.
const rateWatch = 2 * time.Second

// cameraDetail are the figures of one camera.
type cameraDetail struct {
	Width     int              `json:"width"`
	Height    int              `json:"height"`
	FPS       float64          `json:"fps,omitempty"`
	Exposure  string           `json:"exposure,omitempty"`
	LatencyMS float64          `json:"latency_ms"` // in force
	Measured  *measuredLatency `json:"measured_latency_ms,omitempty"`
	Saved     string           `json:"saved,omitempty"`
}

type measuredLatency struct {
	Shortest float64 `json:"shortest"`
	Median   float64 `json:"median"`
	Longest  float64 `json:"longest"`
}

// checkCamera opens a station's camera, takes a picture, and measures.
func (d *Doctor) checkCamera(ctx context.Context, s config.Station) []Finding {
	cam, err := camera.Open(s.Camera, zerolog.Nop())
	if err != nil {
		return []Finding{fail(err.Error(), "correct stations."+s.Name+".camera.url")}
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cam.Run(running) // what is wrong is in its status
	}()
	defer func() { stop(); <-ended }()

	detail := cameraDetail{LatencyMS: verdict.Millis(cam.Latency())}
	f, err := firstFrame(ctx, cam, s.Camera)
	switch {
	case errors.Is(err, errOnCall):
		return []Finding{ok("opened; it gives a picture when one is asked for, and none was").with(detail)}
	case err != nil:
		return []Finding{fail(err.Error(), "see the cause named; docs/cameras.md says what each kind of camera needs")}
	}
	list := []Finding{d.look(cam, f, s.Name, &detail)}
	measured := f.Exposure == verdict.Measured
	broken := f.Err != nil
	f.Release()
	if broken || cam.Every() {
		return list
	}
	watchRate(ctx, cam, &detail)
	list[0].Finding += fmt.Sprintf(", %.1f a second", detail.FPS)
	list = append(list, d.latency(ctx, cam, s, measured, &detail))
	list[0].Detail = detail
	return list
}

// mostFailures is how many seconds a camera may fail before its cause is told.
const mostFailures = 3

var errOnCall = errors.New("no picture was asked for")

// firstFrame waits for a picture as long as the station would.
func firstFrame(ctx context.Context, cam *camera.Camera, c config.Camera) (*camera.Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, c.OpenTimeout+c.ReadTimeout)
	defer cancel()
	for failed := 0; ; {
		turn, end := context.WithTimeout(ctx, time.Second)
		f, err := cam.Next(turn, time.Time{})
		end()
		switch st := cam.Status(); {
		case err == nil:
			return f, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("the source has no picture")
		case st.OnCall && st.Connected:
			return nil, errOnCall
		case ctx.Err() != nil:
			return nil, err
		case st.Failed && st.Err != "":
			if failed++; failed == mostFailures {
				return nil, errors.New(st.Err)
			}
		}
	}
}

// look says what came, and saves it if asked.
func (d *Doctor) look(cam *camera.Camera, f *camera.Frame, station string, detail *cameraDetail) Finding {
	if f.Err != nil {
		return fail(f.Err.Error(), "see whether the file is whole")
	}
	detail.Width, detail.Height, detail.Exposure = f.Picture.Cols(), f.Picture.Rows(), string(f.Exposure)
	what := fmt.Sprintf("a picture of %dx%d pixels", detail.Width, detail.Height)
	if d.options.Save == "" {
		return ok(what).with(*detail)
	}
	path := filepath.Join(d.options.Save, station+".png")
	if err := os.MkdirAll(d.options.Save, 0o755); err != nil {
		return fail(what+", which could not be saved: "+err.Error(), "name another folder with --save")
	}
	if !gocv.IMWrite(path, f.Picture) {
		return fail(what+", which could not be saved as "+path, "name another folder with --save")
	}
	detail.Saved = path
	return ok(what + ", saved as " + path).with(*detail)
}

// watchRate lets pictures come for a while: the camera measures their rate.
func watchRate(ctx context.Context, cam *camera.Camera, detail *cameraDetail) {
	ctx, cancel := context.WithTimeout(ctx, rateWatch)
	defer cancel()
	for ctx.Err() == nil {
		if f, err := cam.Next(ctx, time.Time{}); err == nil {
			f.Release()
		}
	}
	detail.FPS = cam.Status().FPS
}
