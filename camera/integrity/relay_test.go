package integrity

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
)

// pause between two images that the relay sends.
const pause = time.Second / rate

// relay is gortsplib's server, to which ffmpeg publishes one clip after the other
// under one URL. It lets images through at a camera's pace, and only while
// somebody plays them.
type relay struct {
	rtsp    *gortsplib.Server
	address string

	mu      sync.Mutex
	changed *sync.Cond
	stream  *gortsplib.ServerStream
	players map[*gortsplib.ServerSession]bool
	closed  bool
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{players: map[*gortsplib.ServerSession]bool{}}
	r.changed = sync.NewCond(&r.mu)
	var err error
	for range 20 { // somebody may take the ports meanwhile
		if err = r.start(); err == nil {
			t.Cleanup(r.close)
			return r
		}
	}
	t.Fatal(err)
	return nil
}

func (r *relay) start() error {
	ports, err := newPair()
	if err != nil {
		return err
	}
	ports.close()
	r.rtsp = &gortsplib.Server{
		Handler:        r,
		RTSPAddress:    "127.0.0.1:0",
		UDPRTPAddress:  ports[0].LocalAddr().String(),
		UDPRTCPAddress: ports[1].LocalAddr().String(),
		WriteQueueSize: 1 << 14, // packets; what a camera that is late has not fetched
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err == nil {
				r.address = l.Addr().String()
			}
			return l, err
		},
	}
	return r.rtsp.Start()
}

func (r *relay) close() {
	r.mu.Lock()
	r.closed = true
	r.changed.Broadcast()
	stream := r.stream
	r.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
	r.rtsp.Close()
}

// publish has ffmpeg send a file until its end, then waits until settled returns
// and ends the stream.
func (r *relay) publish(ctx context.Context, path string, settled func()) error {
	input := []string{"-i", path}
	if filepath.Ext(path) != ".mkv" { // bare streams do not tell
		input = append([]string{"-framerate", fmt.Sprint(rate)}, input...)
	}
	arguments := append(input, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+r.address+"/line")
	command := exec.CommandContext(ctx, "ffmpeg", append([]string{"-hide_banner", "-nostats", "-loglevel", "error"}, arguments...)...)
	command.Stderr = os.Stderr
	err := command.Run()
	settled()
	r.mu.Lock()
	stream := r.stream
	r.stream = nil
	r.mu.Unlock()
	if stream == nil {
		return errors.Join(err, errors.New("ffmpeg published nothing"))
	}
	stream.Close()
	return err
}

// admit waits until somebody plays; false means that the relay closes.
func (r *relay) admit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.players) == 0 && !r.closed {
		r.changed.Wait()
	}
	return !r.closed
}

// OnAnnounce implements gortsplib.ServerHandlerOnAnnounce.
func (r *relay) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = &gortsplib.ServerStream{Server: r.rtsp, Desc: c.Description}
	return ok(), r.stream.Initialize()
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return r.published()
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return ok(), nil, nil
	}
	return r.published()
}

func (r *relay) published() (*base.Response, *gortsplib.ServerStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return ok(), r.stream, nil
}

func ok() *base.Response { return &base.Response{StatusCode: base.StatusOK} }

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (r *relay) OnPlay(c *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.players[c.Session] = true
	r.changed.Broadcast()
	return ok(), nil
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (r *relay) OnSessionClose(c *gortsplib.ServerHandlerOnSessionCloseCtx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.players, c.Session)
}

// OnRecord implements gortsplib.ServerHandlerOnRecord. Packets are held back in
// the call that hands them over, so that ffmpeg has to wait.
func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	r.mu.Lock()
	stream := r.stream
	r.mu.Unlock()
	var image uint32 // RTP time of the packet before
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		if p.Timestamp != image {
			image = p.Timestamp
			time.Sleep(pause)
			if !r.admit() {
				return
			}
		}
		_ = stream.WritePacketRTP(m, p)
	})
	return ok(), nil
}
