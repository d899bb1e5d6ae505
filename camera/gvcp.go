package camera

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// GigE Vision's control protocol (GVCP, GigE Vision 2.0 chapter 14): what is
// needed to ask a camera, cancellably and within a deadline, whether it lives.
// Aravis' own heartbeat takes seconds to find out.
const (
	gvcpPort     = "3956"
	gvcpKey      = 0x42
	gvcpAnswer   = 0x01 // flag: acknowledge
	gvcpTries    = 3
	gvcpPatience = 200 * time.Millisecond // for each

	registerControl = 0x0a00 // control channel privilege
	controlTaken    = 0b11   // exclusive or control access

	serialAt     = 0xd8 // in what a discovery is answered with
	serialLength = 16
)

// gvcpCommand is a request and the answer that belongs to it.
type gvcpCommand struct {
	code uint16
	body []byte
}

var (
	discovery   = gvcpCommand{0x0002, nil}
	readControl = gvcpCommand{0x0080, binary.BigEndian.AppendUint32(nil, registerControl)}
)

// errUncontrolled is a camera that answers and obeys nobody: it has restarted.
var errUncontrolled = errors.New("it has restarted, or another program took it")

// identify asks the camera at an IP address for its serial number.
func identify(ctx context.Context, address string) (serial string, _ error) {
	data, err := probe(ctx, address, discovery)
	if err != nil {
		return "", err
	}
	if len(data) < serialAt+serialLength {
		return "", nil
	}
	text, _, _ := strings.Cut(string(data[serialAt:serialAt+serialLength]), "\x00")
	return text, nil
}

// controlled asks the camera at an IP address whether it obeys somebody.
func controlled(ctx context.Context, address string) error {
	data, err := probe(ctx, address, readControl)
	if err == nil && (len(data) < 4 || binary.BigEndian.Uint32(data)&controlTaken == 0) {
		err = errUncontrolled
	}
	return err
}

// probe asks the camera at an IP address and returns what it answers.
func probe(ctx context.Context, address string, c gvcpCommand) (data []byte, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(address, gvcpPort))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for id := uint16(1); id <= gvcpTries; id++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if data, err = ask(conn, c, id); !errors.Is(err, errNoAnswer) {
			return data, err
		}
	}
	return nil, err
}

var errNoAnswer = errors.New("no answer")

// ask sends one request. A camera that is gone from this machine refuses, one on
// a network is silent: both are no answer.
func ask(conn net.Conn, c gvcpCommand, id uint16) ([]byte, error) {
	request := []byte{gvcpKey, gvcpAnswer}
	request = binary.BigEndian.AppendUint16(request, c.code)
	request = binary.BigEndian.AppendUint16(request, uint16(len(c.body)))
	request = binary.BigEndian.AppendUint16(request, id)
	if err := conn.SetDeadline(time.Now().Add(gvcpPatience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(request, c.body...)); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	answer := make([]byte, 1024)
	for {
		n, err := conn.Read(answer)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		if a := answer[:n]; n >= 8 && binary.BigEndian.Uint16(a[2:]) == c.code+1 && binary.BigEndian.Uint16(a[6:]) == id {
			if status := binary.BigEndian.Uint16(a); status != 0 {
				return nil, fmt.Errorf("the camera answers with status 0x%04x", status)
			}
			return a[8:], nil // after status, code, length and id
		}
	}
}
