package camera

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
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

// probe asks the camera at an IP address and waits for its answer.
func probe(ctx context.Context, address string, c gvcpCommand) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(address, gvcpPort))
	if err != nil {
		return err
	}
	defer conn.Close()
	for id := uint16(1); id <= gvcpTries; id++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = ask(conn, c, id); !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	return err
}

var errNoAnswer = errors.New("no answer")

// ask sends one request. A camera that is gone from this machine refuses, one on
// a network is silent: both are no answer.
func ask(conn net.Conn, c gvcpCommand, id uint16) error {
	request := []byte{gvcpKey, gvcpAnswer}
	request = binary.BigEndian.AppendUint16(request, c.code)
	request = binary.BigEndian.AppendUint16(request, uint16(len(c.body)))
	request = binary.BigEndian.AppendUint16(request, id)
	if err := conn.SetDeadline(time.Now().Add(gvcpPatience)); err != nil {
		return err
	}
	if _, err := conn.Write(append(request, c.body...)); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	answer := make([]byte, 1024)
	for {
		n, err := conn.Read(answer)
		if err != nil {
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		if a := answer[:n]; n >= 8 && binary.BigEndian.Uint16(a[2:]) == c.code+1 && binary.BigEndian.Uint16(a[6:]) == id {
			return c.understand(a)
		}
	}
}

// understand reads an acknowledgement: status, code, length, id, body.
func (c gvcpCommand) understand(answer []byte) error {
	if status := binary.BigEndian.Uint16(answer); status != 0 {
		return fmt.Errorf("the camera answers with status 0x%04x", status)
	}
	if c.code == readControl.code && (len(answer) < 12 || binary.BigEndian.Uint32(answer[8:])&controlTaken == 0) {
		return errUncontrolled
	}
	return nil
}
