package camera

import (
	"strings"
	"testing"
	"time"

	"faird/camera/gst"
	"faird/config"

	"gocv.io/x/gocv"
)

func csi(t *testing.T, url string) string {
	t.Helper()
	p, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return inner(p).(*gstreamer).pipeline
}

func TestCSIPipeline(t *testing.T) {
	const want = "nvarguscamerasrc sensor-id=1 ! " +
		"video/x-raw(memory:NVMM),width=(int)1280,height=(int)720,framerate=(fraction)60/1,format=(string)NV12 ! " +
		"nvvidconv flip-method=2 ! video/x-raw,format=(string)BGRx ! " +
		"videoconvert ! video/x-raw,format=(string)BGR ! appsink name=faird_newest drop=true max-buffers=1 sync=false"
	got := csi(t, "csi://1?width=1280&height=720&fps=60&flip=2")
	if got != want {
		t.Error(got)
	}
	if !strings.Contains(csi(t, "csi://0"), "width=(int)1920,height=(int)1080,framerate=(fraction)30/1") {
		t.Error(csi(t, "csi://0"))
	}
}

// Off a Jetson the elements are missing, and that is said.
func TestCSIWithoutAJetson(t *testing.T) {
	needGStreamer(t)
	if gst.Has("nvarguscamerasrc") {
		t.Skip("this is a Jetson")
	}
	cam := start(t, "csi://0", config.Camera{})
	eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, `"nvarguscamerasrc"`) })
}

// The rest of the pipeline plays, with GStreamer's own elements in the place of
// NVIDIA's.
func TestCSIPipelinePlays(t *testing.T) {
	needGStreamer(t)
	pipeline := strings.NewReplacer("nvarguscamerasrc sensor-id=0", "videotestsrc is-live=true", "(memory:NVMM)", "",
		"nvvidconv flip-method=2", "videoconvert", " name="+sinkName, "").Replace(csi(t, "csi://0?width=320&height=240&flip=2"))
	f := next(t, start(t, "gstreamer:?expect=320x240 "+pipeline, config.Camera{}), time.Now())
	defer f.Release()
	if f.Picture.Cols() != 320 || f.Picture.Rows() != 240 || f.Picture.Type() != gocv.MatTypeCV8UC3 {
		t.Errorf("%dx%d type %v", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Type())
	}
}
