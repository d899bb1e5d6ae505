package camera

import "testing"

func TestRecorded(t *testing.T) {
	for url, want := range map[string]bool{
		"file:///pictures/*.png?loop=true":                true,
		"VIDEO:///film.mp4":                               true,
		"watch:///in":                                     true,
		"gstreamer:multifilesrc location=a ! pngdec":      true,
		"gstreamer:videotestsrc is-live=true":             true,
		"gstreamer:v4l2src ! videoconvert":                false,
		"gstreamer:rtspsrc location=rtsp://cam/myfilesrc": false,
		"v4l2:///dev/video0":                              false,
		"demo://?seed=1":                                  false,
		"rtsp://camera/stream":                            false,
		"":                                                false,
	} {
		if got := Recorded(url); got != want {
			t.Errorf("%q: %v, want %v", url, got, want)
		}
	}
}
