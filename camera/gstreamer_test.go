package camera

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

func needGStreamer(t *testing.T) {
	t.Helper()
	if !gocv.VideoRegistry.HasBackend(gocv.VideoCaptureGstreamer) {
		t.Skip("this OpenCV has no GStreamer; Debian's libopencv-dev has")
	}
}

func TestGStreamer(t *testing.T) {
	needGStreamer(t)
	for name, pipeline := range map[string]string{
		"bgr":     "videotestsrc is-live=true ! video/x-raw,format=BGR,width=320,height=240,framerate=50/1",
		"grey":    "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=320,height=240,framerate=50/1",
		"yuv":     "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=50/1",
		"own":     "videotestsrc is-live=true ! video/x-raw,format=BGR,width=320,height=240,framerate=50/1 ! appsink drop=true max-buffers=1 sync=false",
		"latency": "?latency=10ms videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=50/1",
	} {
		t.Run(name, func(t *testing.T) {
			cam := start(t, "gstreamer:"+pipeline, config.Camera{})
			f := next(t, cam, time.Time{})
			f.Release()
			f = next(t, cam, time.Now())
			defer f.Release()
			if f.Picture.Cols() != 320 || f.Picture.Rows() != 240 || f.Picture.Type() != gocv.MatTypeCV8UC3 {
				t.Errorf("%dx%d type %v", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Type())
			}
		})
	}
}

func TestGStreamerEndsAndIsReopened(t *testing.T) {
	needGStreamer(t)
	cam := start(t, "gstreamer:videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48", config.Camera{})
	eventually(t, cam, "reopened", func(s Status) bool { return s.Reopened >= 2 })
}

func TestWrongPipelines(t *testing.T) {
	needGStreamer(t)
	if _, err := exec.LookPath(inspector); err != nil {
		t.Skip("gst-inspect-1.0 of gstreamer1.0-tools is not installed")
	}
	for pipeline, want := range map[string]string{
		"nosuchelement location=rtsp://u:hunter2@cam":      `"nosuchelement"`,
		"videotestsrc ! video/x-raw,format=BGR ! jpegdeck": `"jpegdeck"`,
		"filesrc location=/nowhere/at/all":                 "gst-launch-1.0",
		"videotestsrc is-live=true pattrn=hunter2":         `"pattrn"`,
	} {
		cam := start(t, "gstreamer:"+pipeline, config.Camera{})
		st := eventually(t, cam, "refused "+pipeline, func(s Status) bool { return strings.Contains(s.Err, want) })
		if strings.Contains(st.Err, "hunter2") || st.Abandoned != 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestElements(t *testing.T) {
	for pipeline, want := range map[string]string{
		"videotestsrc": "[{videotestsrc []}]",
		`rtspsrc location="rtsp://a!b c=5" latency=0 ! decodebin`:                     "[{rtspsrc [location latency]} {decodebin []}]",
		"v4l2src!video/x-raw,format=BGR!appsink drop=true":                            "[{v4l2src []} {appsink [drop]}]",
		"videotestsrc ! tee name=t t. ! queue ! fakesink t. ! video/x-raw ! appsink":  "[{videotestsrc []} {tee [name]} {queue []} {fakesink []} {appsink []}]",
		"videotestsrc ! capsfilter caps='video/x-raw, width=5' ! (fakesink )":         "[{videotestsrc []} {capsfilter [caps]}]",
		"mixer sink_0::alpha=1 background=black ! video/x-raw,width=5 ! fakesink a=1": "[{mixer [background]} {fakesink [a]}]",
	} {
		if got := fmt.Sprint(elements(pipeline)); got != want {
			t.Errorf("%s: %s, want %s", pipeline, got, want)
		}
	}
}
