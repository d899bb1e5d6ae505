// Package rtsp receives encoded video over RTSP and says what was lost on the
// way. It is built on gortsplib, which speaks the protocol; the package adds
// what an inspection needs: pictures delimited exactly, every gap in the RTP
// sequence numbers reported, capture times that do not hide a queue on the way.
// It decodes nothing and retries nothing.
package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"

	"faird/camera/fault"
)

// Options say what to play and how.
type Options struct {
	URL     *url.URL      // rtsp or rtsps, user and password included
	UDP     bool          // RTP over UDP; otherwise interleaved in the TCP connection
	Open    time.Duration // until it plays
	Silence time.Duration // longest silence of the network
	Arrival bool          // the camera's RTP timestamps are wrong: pictures are dated by their arrival alone
	TLS     *tls.Config   // for rtsps; nil verifies the certificate by the system's authorities
	MaxUnit int           // largest encoded picture, bytes
}

// Unit is one encoded picture, or the loss of one.
type Unit struct {
	Data    []byte    // access unit in Annex B form (H.264, H.265), or a JPEG image
	Time    time.Time // when it reached this machine, less the time it was held up
	Err     error     // a fault of package fault; Data is empty then
	Gap     bool      // pictures before this one were lost: what depends on them cannot be decoded
	Skipped int       // pictures received before this one and dropped for it, which nothing depends on
}

// udpBuffer holds the burst of a large key frame while the machine is busy. The
// kernel caps it at net.core.rmem_max.
const udpBuffer = 4 << 20

// goodbye bounds the farewell to a camera that is gone.
const goodbye = 500 * time.Millisecond

// Stream is a stream that plays. Next is for one goroutine; Close ends it.
type Stream struct {
	client *gortsplib.Client
	track  track
	queue  *queue
	moved  string      // where the server says that the stream is
	stop   func() bool // of closing when the context of Open ends
}

// Open connects, asks for the first video track that can be decoded, and has it
// played. The stream ends with ctx.
func Open(ctx context.Context, o Options) (*Stream, error) {
	home, err := base.ParseURL(o.URL.String())
	if err != nil {
		return nil, errors.New("the address is no RTSP URL: write rtsp://host/path, special characters as %XX")
	}
	end := time.Now().Add(o.Open)
	for at, redirects := home, 0; ; {
		s, err := open(ctx, at, o, end)
		to := redirect{}
		switch {
		case errors.Is(err, fault.ErrLogin) && at.Host != home.Host:
			return nil, fmt.Errorf("the camera redirects to %s, which wants a user and password: only the camera itself is given them", at.Host)
		case !errors.As(err, &to):
			return s, err
		}
		if redirects++; redirects > maxRedirects {
			return nil, fmt.Errorf("the camera redirected %d times: write the address it ends at", redirects)
		}
		if at, err = to.from(home); err != nil {
			return nil, err
		}
	}
}

// open plays what is at an address, or fails with a [redirect].
func open(ctx context.Context, address *base.URL, o Options, end time.Time) (*Stream, error) {
	s := &Stream{queue: newQueue(o.MaxUnit)}
	s.client = newClient(o)
	s.client.Scheme, s.client.Host, s.client.OnResponse = address.Scheme, address.Host, s.intercept
	if err := s.client.Start2(); err != nil {
		return nil, err
	}
	s.stop = context.AfterFunc(ctx, s.client.Close)
	late := time.AfterFunc(time.Until(end), s.client.Close)
	err := s.redirected(s.play(address, o))
	if inTime := late.Stop(); err != nil || !inTime {
		s.Close()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !inTime:
			return nil, fmt.Errorf("the camera did not begin to play within %v: check the camera, or raise open_timeout", o.Open)
		}
		if err = explain(err, o); errors.Is(err, io.EOF) {
			err = errors.New("the server closed the connection: is it an RTSP server, and the port right?")
		}
		return nil, err
	}
	go func() { s.queue.end(explain(s.client.Wait(), o)) }()
	return s, nil
}

func newClient(o Options) *gortsplib.Client {
	transport := gortsplib.TransportTCP
	if o.UDP {
		transport = gortsplib.TransportUDP
	}
	return &gortsplib.Client{
		Transport: &transport, TLSConfig: o.TLS, UserAgent: "faird",
		ReadTimeout: o.Silence, WriteTimeout: goodbye, InitialUDPReadTimeout: o.Silence,
		ListenPacket: func(network, address string) (net.PacketConn, error) {
			conn, err := net.ListenPacket(network, address)
			if udp, ok := conn.(*net.UDPConn); ok {
				_ = udp.SetReadBuffer(udpBuffer) // as much as the kernel allows
			}
			return conn, err
		},
		// gortsplib prints what nobody asks for. Losses are found in the sequence
		// numbers, and the transport is never switched.
		OnPacketsLost:     func(uint64) {},
		OnDecodeError:     func(error) {},
		OnTransportSwitch: func(error) {},
	}
}

func (s *Stream) play(address *base.URL, o Options) error {
	session, _, err := s.client.Describe(address)
	if err != nil {
		return err
	}
	media, track, err := choose(session)
	if err != nil {
		return err
	}
	if _, err := s.client.Setup(session.BaseURL, media, 0, 0); err != nil {
		return err
	}
	s.track = track
	a := newAssembler(track, s.queue, o.MaxUnit)
	a.clock.ignored = o.Arrival
	s.client.OnPacketRTP(media, track.format, func(p *rtp.Packet) { a.push(p, time.Now()) })
	_, err = s.client.Play(nil)
	return err
}

// Codec is libavcodec's name of the video's codec: h264, hevc or mjpeg.
func (s *Stream) Codec() string { return s.track.codec }

// Extradata are the parameter sets that the camera announced, in Annex B form;
// nil where it announced none.
func (s *Stream) Extradata() []byte { return s.track.extradata() }

// Next waits for a unit. The error wraps that of ctx, io.EOF where the server
// ended the stream, or says why the stream broke off.
func (s *Stream) Next(ctx context.Context) (Unit, error) { return s.queue.next(ctx) }

// Close ends the stream.
func (s *Stream) Close() {
	s.stop()
	s.client.Close()
}

// explain says what to do about an error.
func explain(err error, o Options) error {
	var status liberrors.ErrClientBadStatusCode
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return io.EOF
	case errors.As(err, &status):
		return statusError(status)
	case errors.As(err, new(liberrors.ErrClientUDPTimeout)):
		return fmt.Errorf("no UDP packet came for %v: open the firewall for them, or take transport=udp out of the url", o.Silence)
	case errors.As(err, new(liberrors.ErrClientServerRequestedTCP)):
		return errors.New("the camera offers TCP only: take transport=udp out of the url")
	case errors.As(err, new(liberrors.ErrClientServerRequestedUDP)):
		return errors.New("the camera offers UDP only: add transport=udp to the url")
	case errors.As(err, new(liberrors.ErrClientAuthSetup)):
		return fmt.Errorf("%w: %w: check user and password", fault.ErrLogin, err)
	}
	return err
}

func statusError(status liberrors.ErrClientBadStatusCode) error {
	err := fmt.Errorf("the camera answers %d %s", status.Code, status.Message)
	switch status.Code {
	case base.StatusUnauthorized, base.StatusForbidden:
		return fmt.Errorf("%w: %w: check user and password", fault.ErrLogin, err)
	case base.StatusNotFound, base.StatusBadRequest:
		return fmt.Errorf("%w: check the path", err)
	case base.StatusUnsupportedTransport:
		return fmt.Errorf("%w: try the other transport (transport=udp, or without it)", err)
	}
	return fmt.Errorf("%w: see the camera's own log", err)
}
