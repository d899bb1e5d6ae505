package camera

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"faird/camera/fault"
	"faird/config"
	"faird/verdict"

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

func (s *stubborn) Get(p gocv.VideoCaptureProperties) float64 {
	switch p {
	case gocv.VideoCaptureFrameWidth:
		return float64(s.width)
	case gocv.VideoCaptureFrameHeight:
		return float64(s.height)
	}
	return s.fps
}

func (s *stubborn) ToCodec(string) float64 { return 1 }
func (s *stubborn) CodecString() string    { return s.fourcc }

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

func TestDeviceOfTooManyPixels(t *testing.T) {
	err := withinLimit(&stubborn{mode: mode{width: 16000, height: 16000}}, 100_000_000)
	if fault.Of(err) != verdict.TooLarge || !strings.Contains(err.Error(), "16000x16000") {
		t.Error(err)
	}
	if err := withinLimit(&stubborn{mode: mode{width: 10000, height: 10000}}, 100_000_000); err != nil {
		t.Error(err)
	}
}

// device hands out encoded images as OpenCV does when it is not to convert them.
type device struct{ images [][]byte }

func (d *device) Read(m *gocv.Mat) bool {
	if len(d.images) == 0 {
		return false
	}
	raw, err := gocv.NewMatFromBytes(1, len(d.images[0]), gocv.MatTypeCV8UC1, d.images[0])
	if err != nil {
		return false
	}
	defer raw.Close()
	d.images = d.images[1:]
	return raw.CopyTo(m) == nil
}

func TestMotionJPEGOfADeviceIsDecodedStrictly(t *testing.T) {
	encoded, err := gocv.IMEncode(gocv.JPEGFileExt, grey(t, 48, 64, 77))
	if err != nil {
		t.Fatal(err)
	}
	defer encoded.Close()
	whole := bytes.Clone(encoded.GetBytes())
	cut, gone := whole[:len(whole)*2/3], whole[:len(whole)-2]
	padded := append(bytes.Clone(whole), make([]byte, 100)...)
	d := &device{images: [][]byte{whole, cut, gone, padded}}

	j := newMotionJPEG(&stubborn{mode: mode{fourcc: "MJPG"}}, 1e6)
	defer j.close()
	f := newFrame(nil)
	defer f.free()
	for n, want := range []verdict.Check{"", verdict.Incomplete, verdict.Incomplete, ""} {
		f.reset()
		if err := j.read(d, f); err != nil || fault.Of(f.Err) != want {
			t.Errorf("image %d: fault %v, error %v, want %q", n, f.Err, err, want)
		}
		if want == "" && (shade(f.mat) < 75 || shade(f.mat) > 79) {
			t.Errorf("image %d has shade %d", n, shade(f.mat))
		}
	}
	f.reset()
	if err := j.read(d, f); !errors.Is(err, errEnded) {
		t.Error(err)
	}
	if newMotionJPEG(&stubborn{mode: mode{fourcc: "YUYV"}}, 1e6) != nil {
		t.Error("OpenCV converts YUYV")
	}
}
