package camera

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"faird/config"
)

// TestHTTPTransportStream plays the MPEG-TS that ffmpeg encodes for each request.
func TestHTTPTransportStream(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is not installed: run make deps-test")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp2t")
		encoder := exec.CommandContext(r.Context(), program, "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
			"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-f", "mpegts", "-flush_packets", "1", "-")
		encoder.Stdout = w
		_ = encoder.Run() // until the client leaves
	}))
	t.Cleanup(server.Close)
	cam := start(t, server.URL+"/line.ts?latency=0s", config.Camera{OpenTimeout: patience, ReadTimeout: patience})
	for range 5 {
		f := next(t, cam, time.Time{})
		if f.Err != nil || f.Picture.Cols() != 320 || f.Picture.Rows() != 240 {
			t.Errorf("%v, %dx%d", f.Err, f.Picture.Cols(), f.Picture.Rows())
		}
		f.Release()
	}
}
