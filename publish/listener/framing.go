package listener

const (
	connectType = 0x10 // first byte of CONNECT (MQTT 3.1.1, section 3.1.1)
	longest     = 4    // bytes of a remaining length (section 2.2.3)
)

// framing follows the packets that a client sends. The first must be a CONNECT,
// no longer than one needs to be.
type framing struct {
	begun  bool // the first packet has been looked at
	seen   int  // bytes of a packet's head
	head   int  // its length so far
	left   int  // bytes of its body that are to come
	length int  // of the packet whose body is not complete; 0: none
}

// look takes the bytes that came next; most is the longest packet.
func (f *framing) look(b []byte, most int) error {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(f.left, len(b))
			b = b[n:]
			if f.left -= n; f.left == 0 {
				f.length = 0
			}
			continue
		}
		if err := f.next(b[0], most); err != nil {
			return err
		}
		b = b[1:]
	}
	return nil
}

// next takes one byte of a head.
func (f *framing) next(x byte, most int) error {
	if f.seen == 0 {
		if !f.begun && x != connectType {
			return errNoConnect
		}
		f.seen, f.head = 1, 0
		return nil
	}
	f.head |= int(x&0x7f) << (7 * (f.seen - 1))
	switch {
	case !f.begun && f.head > maxConnect:
		return errLongConnect
	case f.head > most:
		return errLongPacket
	}
	if x&0x80 == 0 || f.seen == longest {
		f.begun, f.seen, f.left, f.length = true, 0, f.head, f.head
		return nil
	}
	f.seen++
	return nil
}
