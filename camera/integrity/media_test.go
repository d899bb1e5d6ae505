package integrity

import (
	"fmt"
	"net"
	"sync"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
)

// media is one RTP session over UDP that the proxy stands in: to the client it is
// the server and to the server it is the client.
type media struct {
	session    *session
	client     [2]int // the client's ports: RTP, RTCP
	atClient   pair   // what the client talks to
	atServer   pair   // what the server talks to
	forwarding sync.WaitGroup
}

// pair is two sockets on consecutive ports, the first one even (RFC 3550, 11).
type pair [2]*net.UDPConn

// receiveBuffer holds more datagrams than a proxy that has to wait for a
// processor falls behind.
const receiveBuffer = 4 << 20

func newPair() (pair, error) {
	var err error
	for range 100 {
		var rtp, rtcp *net.UDPConn
		if rtp, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			continue
		}
		next := *rtp.LocalAddr().(*net.UDPAddr)
		next.Port++
		if next.Port%2 == 1 {
			if rtcp, err = net.ListenUDP("udp", &next); err == nil {
				_ = rtp.SetReadBuffer(receiveBuffer)
				return pair{rtp, rtcp}, nil
			}
		}
		_ = rtp.Close()
	}
	return pair{}, fmt.Errorf("no two free UDP ports: %w", err)
}

func (p pair) ports() *[2]int {
	port := p[0].LocalAddr().(*net.UDPAddr).Port
	return &[2]int{port, port + 1}
}

func (p pair) close() {
	for _, c := range p {
		if c != nil {
			_ = c.Close()
		}
	}
}

// setUp puts the proxy's ports in the place of the client's in a SETUP request.
func (s *session) setUp(request *base.Request) {
	var offers headers.Transports
	if offers.Unmarshal(request.Header["Transport"]) != nil || len(offers) == 0 || offers[0].ClientPorts == nil {
		return // over TCP, or for the server to refuse
	}
	m := &media{session: s, client: *offers[0].ClientPorts}
	var err error
	if m.atClient, err = newPair(); err == nil {
		m.atServer, err = newPair()
	}
	if err != nil {
		m.close()
		return
	}
	offers[0].ClientPorts = m.atServer.ports()
	request.Header["Transport"] = offers[:1].Marshal()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.media[cseq(request.Header)] = m
}

// isSetUp puts the proxy's ports in the place of the server's in the response, and
// starts to forward.
func (s *session) isSetUp(response *base.Response) {
	s.mu.Lock()
	m := s.media[cseq(response.Header)]
	s.mu.Unlock()
	var chosen headers.Transport
	if m == nil || chosen.Unmarshal(response.Header["Transport"]) != nil || chosen.ServerPorts == nil {
		return
	}
	server := *chosen.ServerPorts
	chosen.ClientPorts, chosen.ServerPorts = &m.client, m.atClient.ports()
	response.Header["Transport"] = chosen.Marshal()
	for i := range 2 {
		m.forwarding.Go(func() { m.toClient(i) })
		m.forwarding.Go(func() { m.toServer(i, server[i]) })
	}
}

func cseq(h base.Header) string {
	if len(h["CSeq"]) == 0 {
		return ""
	}
	return h["CSeq"][0]
}

// toClient forwards RTP (0) or RTCP (1) through a damaging link.
func (m *media) toClient(channel int) {
	p := m.session.proxy
	l := &link{impairment: p.udp, rng: random(fmt.Sprint(p.name, " channel ", channel, " of play ", p.played.Load())), events: &p.events}
	to := local(m.client[channel])
	datagram := make([]byte, 1<<16)
	for {
		n, err := m.atServer[channel].Read(datagram)
		if err != nil {
			return
		}
		m.session.goodbye(channel, datagram[:n])
		l.pass(datagram[:n], func(d []byte) { _, _ = m.atClient[channel].WriteTo(d, to) })
	}
}

// toServer forwards what the client has to say, reports mostly.
func (m *media) toServer(channel, port int) {
	datagram := make([]byte, 1<<16)
	for {
		n, err := m.atClient[channel].Read(datagram)
		if err != nil {
			return
		}
		_, _ = m.atServer[channel].WriteTo(datagram[:n], local(port))
	}
}

func local(port int) *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }

func (m *media) close() {
	m.atClient.close()
	m.atServer.close()
	m.forwarding.Wait()
}
