package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// answersWithin bounds one question to a broker.
const answersWithin = 5 * time.Second

// connackType is the first byte of a CONNACK (MQTT 3.1.1, section 3.2.1).
const connackType = 0x20

// Answers asks the broker at an address to let nobody in, and returns how long its
// answer took, whatever it is. Over TLS the handshake is the answer. It needs no
// user, and takes nobody's place.
func Answers(ctx context.Context, address string, secure bool) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if end, has := ctx.Deadline(); has {
		_ = conn.SetDeadline(end)
	}
	if secure {
		err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) //nolint:gosec // nothing is said over it
	} else {
		err = greet(conn)
	}
	return time.Since(began), err
}

func greet(conn net.Conn) error {
	c := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	c.ProtocolName, c.ProtocolVersion, c.CleanSession = "MQTT", 4, true
	if err := c.Write(conn); err != nil {
		return err
	}
	b := make([]byte, 1)
	_, err := io.ReadFull(conn, b)
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return fmt.Errorf("no answer within %s", answersWithin)
	case err != nil:
		return fmt.Errorf("no answer: %w", err)
	case b[0] != connackType:
		return errors.New("what answers is no MQTT broker")
	}
	return nil
}
