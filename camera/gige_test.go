package camera

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"faird/camera/aravis/arvtest"
	"faird/camera/gst"
	"faird/config"

	"gocv.io/x/gocv"
)

const withoutRaw = "FAIRD_TEST_WITHOUT_NET_RAW"

// TestGigEVision takes pictures from Aravis' fake GigE Vision camera through
// GStreamer, kills it and starts it again.
func TestGigEVision(t *testing.T) {
	needGStreamer(t)
	if !gst.Has("aravissrc") {
		t.Fatal("GStreamer has no aravissrc: run make deps-test")
	}
	if os.Geteuid() == 0 && os.Getenv(withoutRaw) == "" {
		againWithoutRaw(t)
		return
	}
	fake := arvtest.New(t)
	cam := start(t, "gstreamer:aravissrc camera-name="+arvtest.Name+" ! video/x-raw,format=GRAY8", config.Camera{ReadTimeout: 3 * time.Second})
	f := next(t, cam, time.Time{})
	if f.Picture.Empty() || f.Picture.Type() != gocv.MatTypeCV8UC3 {
		t.Errorf("%dx%d type %v", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Type())
	}
	f.Release()
	fake.Kill()
	eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
	fake.Start(t)
	eventually(t, cam, "back", func(s Status) bool { return s.Connected })
	next(t, cam, time.Now()).Release()
}

// againWithoutRaw runs this test in a process without CAP_NET_RAW: with it
// Aravis takes packets off the wire, which not every loopback has.
func againWithoutRaw(t *testing.T) {
	t.Helper()
	drop, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatal("setpriv of util-linux is not installed")
	}
	again := exec.Command(drop, "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", os.Args[0], "-test.run", "^TestGigEVision$", "-test.v")
	again.Env = append(os.Environ(), withoutRaw+"=1")
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestGigEVision") {
		t.Fatalf("did not run: %s", out)
	}
}
