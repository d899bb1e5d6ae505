package integrity

import (
	"context"
	"errors"
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

// clockRate of RTP time stamps of video (RFC 3551, 5).
const clockRate = 90000

// relay is gortsplib's server, to which ffmpeg publishes one clip after the other
// under one URL. It lets images through only while somebody plays them.
type relay struct {
	rtsp    *gortsplib.Server
	address string

	mu        sync.Mutex
	changed   *sync.Cond
	published *publication // nil until it can be asked for
	players   map[*gortsplib.ServerSession]bool
	closed    bool
}

// publication is a stream that ffmpeg sends.
type publication struct {
	stream   *gortsplib.ServerStream
	sender   *gortsplib.ServerSession
	received chan struct{} // closed once all of it has come

	last   *rtp.Packet // sent
	number uint16      // to be added, so that a stream that goes on does so
	time   uint32
}

// send sends a packet as one of its stream.
func (p *publication) send(packet *rtp.Packet, first bool) {
	if first && p.last != nil {
		p.number = p.last.SequenceNumber + 1 - packet.SequenceNumber
		p.time = p.last.Timestamp + clockRate/rate - packet.Timestamp
	}
	packet.SequenceNumber += p.number
	packet.Timestamp += p.time
	p.last = packet
	_ = p.stream.WritePacketRTP(p.stream.Desc.Medias[0], packet)
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
	r.mu.Unlock()
	r.rtsp.Close()
}

// publish has ffmpeg send a file until its end, then waits until settled returns
// and ends the stream, or leaves it for the next file to go on with.
func (r *relay) publish(ctx context.Context, path string, goesOn bool, settled func()) error {
	input := []string{"-re", "-i", path}
	if filepath.Ext(path) == ".txt" {
		input = append([]string{"-f", "concat", "-safe", "0"}, input...)
	}
	arguments := append(input, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+r.address+"/line")
	command := exec.CommandContext(ctx, "ffmpeg", append([]string{"-hide_banner", "-nostats", "-loglevel", "error"}, arguments...)...)
	command.Stderr = os.Stderr
	err := command.Run()
	r.mu.Lock()
	p := r.published
	r.mu.Unlock()
	if p == nil {
		return errors.Join(err, errors.New("ffmpeg published nothing"))
	}
	select { // the server may still have to read what ffmpeg sent
	case <-p.received:
	case <-time.After(patience):
		err = errors.Join(err, errors.New("the server is still receiving"))
	}
	if !goesOn {
		settled()
		r.end(p)
	}
	return err
}

// end closes a publication; nobody can ask for it any more.
func (r *relay) end(p *publication) {
	r.mu.Lock()
	if r.published == p {
		r.published = nil
	}
	r.mu.Unlock()
	p.stream.Close()
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
	p := &publication{sender: c.Session, received: make(chan struct{})}
	if r.published != nil {
		p.stream, p.last = r.published.stream, r.published.last
	} else {
		p.stream = &gortsplib.ServerStream{Server: r.rtsp, Desc: c.Description}
		if err := p.stream.Initialize(); err != nil {
			return &base.Response{StatusCode: base.StatusBadRequest}, err
		}
	}
	r.published = p
	return ok(), nil
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return r.answer()
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return ok(), nil, nil
	}
	return r.answer()
}

func (r *relay) answer() (*base.Response, *gortsplib.ServerStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.published == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return ok(), r.published.stream, nil
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
	if p := r.published; p != nil && p.sender == c.Session {
		close(p.received)
	}
}

// OnRecord implements gortsplib.ServerHandlerOnRecord. Packets are held back in
// the call that hands them over, so that ffmpeg has to wait.
func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	r.mu.Lock()
	p := r.published
	r.mu.Unlock()
	first, image := true, uint32(0) // RTP time of the packet before
	c.Session.OnPacketRTPAny(func(_ *description.Media, _ format.Format, packet *rtp.Packet) {
		if packet.Timestamp != image {
			image = packet.Timestamp
			time.Sleep(pause / 2) // what was held back does not come all at once
			if !r.admit() {
				return
			}
		}
		p.send(packet, first)
		first = false
	})
	if !r.admit() {
		return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil
	}
	return ok(), nil
}
