package camera

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"faird/config"
)

// FuzzURL holds that no text in a camera URL's place makes a config fall over:
// it names a source, which is not opened, or the error says why not in one line.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"", "demo://?seed=1&rate=4&defects=0.2&size=640&gap=0", "v4l2:///dev/video0?width=1280&height=960&fps=30&exposure=100",
		"rtsp://user:password@camera/stream?transport=udp&expect=1920x1080@25", "http://[::1]:8080/x.mjpg?latency=1h",
		"https://user:p%40ss@camera/snap.jpg?every=trigger&tls_pin=00:11&tls_ca=/ca.pem",
		"genicam:///The%20Vendor-123?exposure=5ms&trigger=Line1&BalanceWhiteAuto=Off", "csi://0?width=1920&flip=2",
		"gstreamer:?latency=40ms videotestsrc is-live=true ! appsink drop=true", "gstreamer:", "watch:///in?then=move&to=/out",
		"upload://127.0.0.1:8081/part?token=t&max=32MiB", "file:///a/*.png?loop=true&rate=1e309", "video:///film.mp4?rate=NaN",
		"file://%zz", "demo://?size=-1", "csi://99999999999999999999", "a:b", "://", "\x00", "demo://?rate=0.0000001&rate=2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		cam, err := Open(config.Camera{URL: url}, zerolog.Nop())
		switch {
		case err == nil && cam == nil:
			t.Error("neither a camera nor why not")
		case err != nil && strings.ContainsAny(err.Error(), "\r\n\x00"):
			t.Errorf("not a line: %q", err)
		}
	})
}
