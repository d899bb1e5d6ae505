package camera

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/camera/rtsp"
	"faird/config"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/rs/zerolog"
)

// rtspServer is an RTSP camera that sends the pictures of an mjpegServer.
type rtspServer struct {
	*mjpegServer
	rtsp      *gortsplib.Server
	stream    atomic.Pointer[gortsplib.ServerStream] // nil until it can be asked for
	transport atomic.Int64                           // the last one set up, plus one
	password  string                                 // of the user admin; "": anybody may play it
	secure    *tls.Config                            // for rtsps
	refused   atomic.Int64                           // log-ins
	stop      chan struct{}
	stopped   chan struct{}
}

func newRTSP(t testing.TB, interval time.Duration) *rtspServer {
	t.Helper()
	return serveRTSP(t, &mjpegServer{interval: interval, pictures: shadePictures(t)})
}

func serveRTSP(t testing.TB, pictures *mjpegServer, set ...func(*rtspServer)) *rtspServer {
	t.Helper()
	s := &rtspServer{mjpegServer: pictures}
	for _, f := range set {
		f(s)
	}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *rtspServer) url() string { return "rtsp://" + s.address + "/line?channel=1" }

// start listens, after a kill on the same port.
func (s *rtspServer) start(t testing.TB) {
	t.Helper()
	var err error
	for range 20 { // the two UDP ports may be taken
		if s.address == "" || s.rtsp == nil {
			s.address = freePort(t, "tcp")
		}
		s.rtsp = &gortsplib.Server{Handler: s, RTSPAddress: s.address, TLSConfig: s.secure}
		if s.secure == nil {
			s.rtsp.UDPRTPAddress, s.rtsp.UDPRTCPAddress = freePorts(t)
		}
		if err = s.rtsp.Start(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	mjpeg := &format.MJPEG{}
	medias := []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{mjpeg}}}
	stream := &gortsplib.ServerStream{Server: s.rtsp, Desc: &description.Session{Medias: medias}}
	if err := stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	s.stream.Store(stream)
	s.stop, s.stopped = make(chan struct{}), make(chan struct{})
	go s.send(mjpeg, medias[0])
}

func (s *rtspServer) send(mjpeg *format.MJPEG, media *description.Media) {
	defer close(s.stopped)
	encoder, err := mjpeg.CreateEncoder()
	if err != nil {
		panic(err)
	}
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	begin := time.Now()
	for {
		select {
		case <-tick.C:
		case <-s.stop:
			return
		}
		if s.stall.Load() {
			continue
		}
		packets, err := encoder.Encode(s.next())
		if err != nil {
			panic(err)
		}
		stamp := uint32(time.Since(begin).Seconds() * float64(mjpeg.ClockRate()))
		for _, p := range packets { // those of one picture share its time
			p.Timestamp = stamp
			_ = s.stream.Load().WritePacketRTP(media, p)
		}
	}
}

func (s *rtspServer) kill() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
		<-s.stopped
		s.stream.Swap(nil).Close()
		s.rtsp.Close()
	}
}

func (s *rtspServer) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if s.password != "" && !c.Conn.VerifyCredentials(c.Request, "admin", s.password) {
		if c.Request.Header["Authorization"] != nil {
			s.refused.Add(1)
		}
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	stream := s.stream.Load()
	if stream == nil || (c.Path != "/plain" && c.Query != "channel=1") {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, stream, nil
}

func (s *rtspServer) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	s.transport.Store(int64(c.Transport) + 1)
	stream := s.stream.Load()
	if stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, stream, nil
}

func (s *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.opened.Add(1)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func freePort(t testing.TB, network string) string {
	t.Helper()
	if network == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.LocalAddr().String()
}

// freePorts are two consecutive UDP ports, the first even, as RTP wants them.
func freePorts(t testing.TB) (rtp, rtcp string) {
	t.Helper()
	for range 100 {
		a, err := net.ResolveUDPAddr("udp", freePort(t, "udp"))
		if err != nil {
			t.Fatal(err)
		}
		a.Port &^= 1
		b := *a
		b.Port++
		if l, err := net.ListenUDP("udp", &b); err == nil {
			l.Close()
			return a.String(), b.String()
		}
	}
	t.Fatal(errors.New("no two free UDP ports"))
	return "", ""
}

func TestRTSP(t *testing.T) {
	for _, c := range []struct {
		path string
		want gortsplib.Transport
	}{
		{"/line?channel=1", gortsplib.TransportTCP},
		{"/line?transport=tcp&channel=1", gortsplib.TransportTCP},
		{"/plain?transport=udp", gortsplib.TransportUDP},
	} {
		t.Run(c.want.String()+c.path, func(t *testing.T) {
			s := newRTSP(t, 20*time.Millisecond)
			cam := start(t, "rtsp://"+s.address+c.path, config.Camera{})
			freshest(t, cam, s.mjpegServer)
			if got := gortsplib.Transport(s.transport.Load() - 1); got != c.want {
				t.Errorf("it went over %v, want %v", got, c.want)
			}
		})
	}
}

func TestRTSPThatIsNotThere(t *testing.T) {
	s := newRTSP(t, 20*time.Millisecond)
	cam := start(t, "rtsp://user:hunter2@"+s.address+"/line?channel=2", config.Camera{OpenTimeout: time.Second})
	st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "404") })
	if strings.Contains(st.Err, "hunter2") || !strings.Contains(st.Err, "check the path") {
		t.Error(st.Err)
	}
}

// The password of the URL opens the camera, and a wrong one is tried once and then
// left for a while, because many cameras lock the account.
func TestRTSPWithAPassword(t *testing.T) {
	const secret = "p@ss word/#?%"
	s := serveRTSP(t, &mjpegServer{interval: 20 * time.Millisecond, pictures: shadePictures(t)}, func(s *rtspServer) { s.password = secret })
	address := func(u *url.Userinfo) string { return "rtsp://" + u.String() + "@" + s.address + "/plain" }
	freshest(t, start(t, address(url.UserPassword("admin", secret)), config.Camera{}), s.mjpegServer)
	for _, user := range []*url.Userinfo{url.UserPassword("admin", "hunter2"), url.User("admin")} {
		cam := start(t, address(user), config.Camera{})
		st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "log-in refused") })
		if !strings.Contains(st.Err, "check user and password") || strings.Contains(st.Err, "hunter2") {
			t.Error(st.Err)
		}
	}
	time.Sleep(300 * time.Millisecond) // three attempts, if nothing held them back
	if n := s.refused.Load(); n != 2 {
		t.Errorf("%d log-ins were refused, of two cameras", n)
	}
}

// Over TLS the certificate is the camera's own, named by its fingerprint.
func TestRTSPS(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	web.Close()
	s := serveRTSP(t, &mjpegServer{interval: 20 * time.Millisecond, pictures: shadePictures(t)}, func(s *rtspServer) {
		s.secure = &tls.Config{Certificates: web.TLS.Certificates}
	})
	print := fmt.Sprintf("%x", sha256.Sum256(web.Certificate().Raw))
	for query, want := range map[string]string{"": "tls_pin=" + print, "?tls_pin=" + strings.Repeat("0", 64): "another certificate than tls_pin names"} {
		cam := start(t, "rtsps://"+s.address+"/plain"+query, config.Camera{})
		eventually(t, cam, "refused "+query, func(s Status) bool { return strings.Contains(s.Err, want) })
	}
	freshest(t, start(t, "rtsps://"+s.address+"/plain?tls_pin="+print, config.Camera{}), s.mjpegServer)
}

func TestRTSPComesBack(t *testing.T) {
	s := newRTSP(t, 20*time.Millisecond)
	comesBack(t, start(t, s.url(), asShipped()), outages(t, 3), s.kill, func() { s.start(t) })
}

func TestRTSPOverUDPComesBack(t *testing.T) {
	s := newRTSP(t, 20*time.Millisecond)
	cam := start(t, "rtsp://"+s.address+"/plain?transport=udp", asShipped())
	comesBack(t, cam, outages(t, 2), s.kill, func() { s.start(t) })
}

func TestRTSPThatStalls(t *testing.T) {
	s := newRTSP(t, 20*time.Millisecond)
	stalls(t, start(t, s.url(), config.Camera{ReadTimeout: 500 * time.Millisecond}), s.mjpegServer)
}

// A decoder that cannot keep up is told of once a minute; the faults are counted.
func TestSlowDecodingIsLogged(t *testing.T) {
	var log journal
	p, err := parse("rtsp://127.0.0.1:1/line?expect=10x10")
	if err != nil {
		t.Fatal(err)
	}
	source := p.source(config.Camera{}, 0)
	source.(logger).logTo(zerolog.New(&log))
	c := source.(*checked).source.(*rtspCamera)
	for range 3 {
		c.note(rtsp.Unit{Err: fault.Incomplete("%w: lower the rate", rtsp.ErrSlow)})
		c.note(rtsp.Unit{Err: fault.Incomplete("lost")})
		c.note(rtsp.Unit{})
	}
	if text := log.text(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "decoding is slower than the stream: lower the rate") {
		t.Error(text)
	}
}
