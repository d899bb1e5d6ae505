package camera

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"faird/config"

	"gocv.io/x/gocv"
)

func TestV4L2WithoutADevice(t *testing.T) {
	for path, want := range map[string]string{
		"/dev/video-that-is-not-there":      "no such file",
		writeText(t, t.TempDir(), "video0"): "is not a device",
		"/dev/null":                         "capture device",
	} {
		cam := start(t, "v4l2://"+path+"?width=640&height=480", config.Camera{})
		st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, want) })
		if !strings.Contains(st.Err, filepath.Base(path)) {
			t.Errorf("%q does not name %s", st.Err, path)
		}
	}
}

func TestWhatTheDeviceGivesIsCompared(t *testing.T) {
	asked := mode{width: 1280, height: 720, fps: 30, fourcc: "MJPG"}
	for _, c := range []struct {
		got  mode
		want []string
	}{
		{asked, nil},
		{mode{1280, 720, 30.1, "MJPG"}, nil},
		{mode{640, 480, 30, "MJPG"}, []string{"1280x720", "640x480"}},
		{mode{1280, 720, 15, "MJPG"}, []string{"30", "15"}},
		{mode{1280, 720, 30, "YUYV"}, []string{"MJPG", "YUYV"}},
		{mode{640, 360, 5, "YUYV"}, []string{"1280x720", "640x360", "30", "5", "MJPG", "YUYV"}},
	} {
		err := asked.compare(c.got)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.got, err)
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v does not name %s", err, w)
			}
		}
	}
	if err := (mode{}).compare(mode{640, 480, 25, "YUYV"}); err != nil {
		t.Errorf("nothing was asked: %v", err)
	}
}

// stubborn is a driver that knows one mode and says so, whatever it is asked. It
// stands in for a device, which no kernel here lets a test make.
type stubborn struct {
	mode
	asked []gocv.VideoCaptureProperties
}

func (s *stubborn) Set(p gocv.VideoCaptureProperties, _ float64) { s.asked = append(s.asked, p) }
func (s *stubborn) Get(gocv.VideoCaptureProperties) float64      { return s.fps }
func (s *stubborn) ToCodec(string) float64                       { return 1 }
func (s *stubborn) CodecString() string                          { return s.fourcc }

func TestDeviceIsAskedAndChecked(t *testing.T) {
	want := mode{width: 640, height: 480, fps: 30, fourcc: "MJPG"}
	for _, c := range []struct {
		gives mode
		wrong string
	}{
		{want, ""},
		{mode{fps: 15, fourcc: "MJPG"}, "30 pictures a second were asked for and 15 come"},
		{mode{fps: 30, fourcc: "YUYV"}, `fourcc MJPG was asked for and "YUYV" comes`},
	} {
		d := &stubborn{mode: c.gives}
		want.ask(d)
		if got := fmt.Sprint(d.asked); got != fmt.Sprint([]gocv.VideoCaptureProperties{
			gocv.VideoCaptureBufferSize, gocv.VideoCaptureFOURCC, gocv.VideoCaptureFrameWidth, gocv.VideoCaptureFrameHeight, gocv.VideoCaptureFPS,
		}) {
			t.Errorf("asked in the order %s", got)
		}
		err := want.compare(told(d, grey(t, 480, 640, 1)))
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%v, want %q", err, c.wrong)
		}
	}
	nothing := &stubborn{}
	mode{}.ask(nothing)
	if len(nothing.asked) != 1 {
		t.Errorf("nothing was to be set but the buffer: %v", nothing.asked)
	}
}
