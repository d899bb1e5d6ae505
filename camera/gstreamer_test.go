package camera

import (
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

func TestWrongPipeline(t *testing.T) {
	needGStreamer(t)
	cam := start(t, "gstreamer:nosuchelement location=rtsp://u:hunter2@cam", config.Camera{})
	st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "gst-launch-1.0") })
	if strings.Contains(st.Err, "hunter2") {
		t.Error(st.Err)
	}
}
