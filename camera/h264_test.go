package camera

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
)

// relay is an RTSP server to which a program publishes, as an encoder box does.
type relay struct {
	mu     sync.Mutex
	server *gortsplib.Server
	stream *gortsplib.ServerStream
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{}
	var err error
	for range 20 { // the two UDP ports may be taken
		rtp, rtcp := freePorts(t)
		r.server = &gortsplib.Server{Handler: r, RTSPAddress: freePort(t, "tcp"), UDPRTPAddress: rtp, UDPRTCPAddress: rtcp}
		if err = r.server.Start(); err == nil {
			t.Cleanup(r.close)
			return r
		}
	}
	t.Fatal(err)
	return nil
}

func (r *relay) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = &gortsplib.ServerStream{Server: r.server, Desc: c.Description}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Initialize()
}

func (r *relay) published() (*base.Response, *gortsplib.ServerStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream, nil
}

func (r *relay) isPublished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream != nil
}

func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return r.published()
}

func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return r.published()
}

func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	r.mu.Lock()
	stream := r.stream
	r.mu.Unlock()
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) { _ = stream.WritePacketRTP(m, p) })
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) close() {
	r.mu.Lock()
	if r.stream != nil {
		r.stream.Close()
	}
	r.mu.Unlock()
	r.server.Close()
}

// TestH264 plays H.264 that ffmpeg encodes and publishes at camera speed.
func TestH264(t *testing.T) { playH264(t, "") }

func TestH264OverUDP(t *testing.T) { playH264(t, "?transport=udp") }

// publishH264 has ffmpeg publish H.264 of 25 pictures a second, one key frame in
// so many.
func publishH264(t *testing.T, group string) (url string, encoder *exec.Cmd, r *relay) {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is not installed: run make deps-test")
	}
	r = newRelay(t)
	url = "rtsp://" + r.server.RTSPAddress + "/line"
	encoder = exec.Command(program, "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25",
		"-pix_fmt", "yuv420p", "-profile:v", "baseline", // what cameras send
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", group, "-sc_threshold", "0", "-f", "rtsp", "-rtsp_transport", "tcp", url)
	if err := encoder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = encoder.Process.Kill()
		_ = encoder.Wait()
	})
	return url, encoder, r
}

// A stream that is joined right after a key frame gives nothing until the next
// one, for longer than the network may be silent. That is no loss.
func TestKeyFramesThatAreFarApart(t *testing.T) {
	url, _, r := publishH264(t, "75")
	for !r.isPublished() {
		time.Sleep(10 * time.Millisecond)
	}
	cam := start(t, url, config.Camera{ReadTimeout: 800 * time.Millisecond, OpenTimeout: 5 * time.Second})
	next(t, cam, time.Time{}).Release()
	if s := cam.Status(); s.Failed || s.Reopened != 0 || s.Faults != (verdict.FaultCounts{}) {
		t.Errorf("%+v", s)
	}
}

func playH264(t *testing.T, query string) {
	t.Helper()
	url, encoder, _ := publishH264(t, "25")
	cam := start(t, url+query, config.Camera{ReadTimeout: 3 * time.Second})
	begin := time.Now()
	for range 5 {
		f := next(t, cam, time.Now())
		if f.Picture.Cols() != 320 || f.Picture.Rows() != 240 || f.Picture.Channels() != 3 {
			t.Errorf("%dx%dx%d", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Channels())
		}
		if !strings.Contains(f.Captured.String(), "m=+") { // else a step of the clock could make an old picture new
			t.Errorf("captured %v: the monotonic clock was lost", f.Captured)
		}
		f.Release()
	}
	t.Logf("five triggered pictures after %v", time.Since(begin))
	_ = encoder.Process.Kill()
	eventually(t, cam, "lost with its encoder", func(s Status) bool { return !s.Connected })
}
