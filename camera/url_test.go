package camera

import (
	"strings"
	"testing"
	"time"

	"faird/config"

	"github.com/rs/zerolog"
)

func TestURLs(t *testing.T) {
	for _, c := range []struct {
		url     string
		every   bool
		latency time.Duration
		pause   time.Duration
	}{
		{url: "file:///data/pictures", every: true},
		{url: "file:///data/part%20one/*.png?rate=5", every: true, pause: 200 * time.Millisecond},
		{url: "file:///data/pictures?loop=true&rate=4", pause: 250 * time.Millisecond},
		{url: "video:///data/line.mp4", every: true, pause: time.Second},
		{url: "v4l2:///dev/video0?width=1280&height=720&fps=30&fourcc=MJPG", latency: 100 * time.Millisecond},
		{url: "v4l2:///dev/v4l/by-id/usb-cam?latency=35ms", latency: 35 * time.Millisecond},
		{url: "rtsp://user:secret@cam.example/stream?channel=1&transport=udp&latency=1s", latency: time.Second},
		{url: "http://cam.example/mjpg?resolution=640x480", latency: 200 * time.Millisecond},
		{url: "http://cam.example/snap.jpg?every=500ms&channel=1", latency: 200 * time.Millisecond, pause: 500 * time.Millisecond},
		{url: "https://cam.example/snap.jpg?every=trigger&latency=80ms", latency: 80 * time.Millisecond, pause: 80 * time.Millisecond},
		{url: "https://cam.example/mjpg?tls_pin=abababababababababababababababababababababababababababababababab", latency: 200 * time.Millisecond},
		{url: "gstreamer:videotestsrc ! video/x-raw,width=64", latency: 100 * time.Millisecond},
		{url: "gstreamer:?latency=40ms videotestsrc", latency: 40 * time.Millisecond},
		{url: "demo://?seed=1&rate=4&defects=0.2&size=640", pause: 250 * time.Millisecond},
		{url: "demo://", pause: 250 * time.Millisecond},
		{url: "genicam://192.168.7.2?exposure=5ms&gain=3&fps=30&width=640&height=480&x=8&pixel=Mono8&packet=1400", latency: 20 * time.Millisecond},
		{url: "genicam:///The%20Imaging%20Source-123?latency=5ms&BlackLevel=4", latency: 5 * time.Millisecond},
		{url: "genicam://12345?trigger=Line1", every: true, latency: 20 * time.Millisecond},
		{url: "csi://0?width=1280&height=720&fps=60&flip=2", latency: 150 * time.Millisecond},
		{url: "rtsp://cam/s?expect=1920x1080@25", latency: 500 * time.Millisecond},
		{url: "gstreamer:?expect=@12.5 videotestsrc", latency: 100 * time.Millisecond},
		{url: "watch:///in?then=move&to=/done", every: true},
		{url: "watch:///in?subfolders=true&poll=0s&then=move&to=/inside", every: true},
		{url: "watch:///in?then=move&to=/in/done", every: true},
		{url: "upload://127.0.0.1:8081/cap?max=20MB&deadline=2s", every: true},
		{url: "upload://0.0.0.0:8081/cap?token_file=/etc/faird/token", every: true},
		{url: "genicam://12345?trigger=Software", latency: 20 * time.Millisecond},
	} {
		p, err := parse(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if p.every != c.every || p.latency != c.latency || p.pause != c.pause {
			t.Errorf("%s: every %v latency %v pause %v, want %+v", c.url, p.every, p.latency, p.pause, c)
		}
	}
}

func TestWrongURLs(t *testing.T) {
	for _, c := range []struct{ url, part, fix string }{
		{"", "no scheme", "file:///"},
		{"/dev/video0", "no scheme", "v4l2://"},
		{"usb://1", `unknown scheme "usb"`, "v4l2://"},
		{"file://pictures", "path must be absolute", "file:///"},
		{"file:pictures", "path must be absolute", "three slashes"},
		{"file:///data/[ab", "pattern", "close every ["},
		{"file:///data?rat=5", `"rat"`, "loop, rate"},
		{"file:///data?rate=fast", `rate="fast"`, "a number"},
		{"file:///data?rate=NaN", `rate="NaN"`, "a number"},
		{"file:///data?loop=often", `loop="often"`, "true or false"},
		{"file:///data?rate=1&rate=2", `"rate"`, "once"},
		{"v4l2:///dev/video0?width=640", "width and height", "both"},
		{"v4l2:///dev/video0?width=0&height=5", `width="0"`, "1..65536"},
		{"v4l2:///dev/video0?fourcc=JPEG2", `fourcc="JPEG2"`, "four characters"},
		{"v4l2:///dev/video0?latency=5", `latency="5"`, "80ms"},
		{"rtsp:///stream", "no host", "rtsp://"},
		{"rtsp://cam/stream?transport=quic", `transport="quic"`, "tcp or udp"},
		{"rtsps://cam/stream?transport=udp", "transport=udp", "tcp only"},
		{"http://cam:port/x", "port", "%XX"},
		{"http:///x", "no host", "http://"},
		{"http://cam/x?every=0s", `every="0s"`, "trigger"},
		{"http://cam/x?every=often", `every="often"`, "80ms"},
		{"http://cam/x?expect=big", `expect="big"`, "1920x1080@25"},
		{"http://cam/x?tls_ca=/ca.pem", "http has no certificates", "https"},
		{"https://cam/x?tls_pin=12", "tls_pin", "64 hexadecimal digits"},
		{"https://cam/x?tls_ca=/ca.pem&tls_pin=12", "tls_ca and tls_pin", "one of them"},
		{"gstreamer:", "pipeline is empty", "v4l2src"},
		{"gstreamer:?lag=3s videotestsrc", `"lag"`, "latency"},
		{"gstreamer:videotestsrc ! appsink", "appsink queues", "drop=true"},
		{"demo://?defects=2", `defects="2"`, "0..1"},
		{"demo://?sed=1", `"sed"`, "seed"},
		{"demo://line", "no host", "demo://?"},
		{"csi://a", `sensor "a"`, "csi://0"},
		{"csi://0?fps=0", `fps="0"`, "1..1000"},
		{"rtsp://cam/s?expect=big", `expect="big"`, "1920x1080@25"},
		{"watch://in", "path must be absolute", "three slashes"},
		{"watch:///in?then=move", "go together", "to=/folder"},
		{"watch:///in?then=burn", `then="burn"`, "remove"},
		{"watch:///in?then=move&to=done", `to="done"`, "absolute"},
		{"watch:///in?subfolders=true&then=move&to=/in/done", `to="/in/done"`, "outside"},
		{"watch:///in?subfolders=true&then=move&to=/x/../in", `to="/in"`, "outside"},
		{"watch:///in?poll=100ms", `poll="100ms"`, "1s and more"},
		{"watch:///in?poll=-1ns", `poll="-1ns"`, "a duration"},
		{"upload://", "no address", "127.0.0.1:8081"},
		{"upload://0.0.0.0:8081", "anybody could reach", "token_file"},
		{"upload://127.0.0.1:8081?token=a&token_file=/b", "token and token_file", "one of them"},
		{"upload://127.0.0.1:8081?max=2TB", `max="2TB"`, "20MB"},
		{"upload://127.0.0.1:8081?deadline=0s", "deadline", "more than 0s"},
		{"genicam://", "no camera", "genicam://"},
		{"genicam://cam?exposure=5", `exposure="5"`, "80ms"},
		{"genicam://cam?expsure=5ms", `"expsure"`, "exposure"},
		{"genicam://cam?trigger=Line1&fps=3", "fps and trigger", "take one out"},
	} {
		_, err := Open(config.Camera{URL: c.url}, zerolog.Nop())
		if err == nil || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), c.fix) {
			t.Errorf("%q: error %v, want it to name %q and %q", c.url, err, c.part, c.fix)
		}
	}
}

func TestWrongDurations(t *testing.T) {
	for key, c := range map[string]config.Camera{
		"open_timeout": {OpenTimeout: -time.Second},
		"read_timeout": {ReadTimeout: time.Nanosecond},
		"backoff_max":  {BackoffMin: time.Minute, BackoffMax: time.Second},
	} {
		c.URL = "demo://"
		if _, err := Open(c, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v does not name %s", err, key)
		}
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	for _, url := range []string{
		"rtsp://user:hunter2@cam.example/stream?token=hunter2",
		"rtsp://user:hunter2@cam.example:notaport/",
		"ftp://user:hunter2@cam.example/",
		"http://cam.example/x?latency=bad&password=hunter2",
		"gstreamer:?x=1 rtspsrc location=rtsp://user:hunter2@cam user-pw=hunter2",
	} {
		p, err := parse(url)
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error shows the password: %v", err)
		}
		if strings.Contains(p.name, "hunter2") {
			t.Errorf("name shows the password: %s", p.name)
		}
	}
}

func TestCameraGetsItsOwnQuery(t *testing.T) {
	for url, want := range map[string]string{
		"rtsp://u:p@cam/s?channel=1&latency=1s":         "rtsp://u:p@cam/s?channel=1",
		"rtsp://cam/s?transport=tcp&b=%20&a=1&a=2;b":    "rtsp://cam/s?b=%20&a=1&a=2;b",
		"http://cam/mjpg?size=1&latency=5ms&transport":  "http://cam/mjpg?size=1&transport",
		"rtsp://cam/s?width=5&expect=640x480@25":        "rtsp://cam/s?width=5",
		"rtsps://cam/s?tls_ca=/x.pem&transport=tcp&a=1": "rtsps://cam/s?a=1",
		"http://cam/mjpg": "http://cam/mjpg",
		"https://u:p%40@cam/s?every=trigger&a&tls_pin=abababababababababababababababababababababababababababababababab&expect=640x480": "https://u:p%40@cam/s?a",
	} {
		p, err := parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := asked(inner(p)); got != want {
			t.Errorf("%s became %s, want %s", url, got, want)
		}
	}
}

// asked is the URL that a network camera gets.
func asked(s source) string {
	switch s := s.(type) {
	case *rtspCamera:
		return s.fetch.URL.String()
	case *httpCamera:
		return s.fetch.URL.String()
	}
	return "no network camera"
}

func TestTransportIsWhatTheURLSays(t *testing.T) {
	for url, udp := range map[string]bool{
		"rtsp://cam/s": false, "rtsp://cam/s?transport=tcp": false, "rtsp://cam/s?transport=udp": true, "rtsps://cam/s": false,
	} {
		p, err := parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := inner(p).(*rtspCamera).udp; got != udp {
			t.Errorf("%s: UDP %v", url, got)
		}
	}
}

// inner is the source of a plan without the check of what it gives.
func inner(p plan) source {
	s := p.source(config.Camera{}, 0)
	if c, ok := s.(*checked); ok {
		return c.source
	}
	return s
}
