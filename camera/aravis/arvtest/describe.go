package arvtest

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Registers and limits of GigE Vision's control protocol.
const (
	controlPort  = "3956"
	readMemory   = 0x0084
	registerXML  = 0x0200 // where the description is: Local:name;address;size, in hexadecimal
	lengthXML    = 512
	mostAtOnce   = 512
	answerHeader = 12 // status, code, length, id, address
)

// WithLine starts a fake camera on whose line Line0 edges can be made: it takes
// TriggerSoftware for one. The fake camera knows no other trigger than the
// software's, so its own description is changed to call that Line0.
func WithLine(t testing.TB) *Camera {
	t.Helper()
	line, software := `<EnumEntry Name="Line0" NameSpace="Standard">`, `<EnumEntry Name="Software" NameSpace="Standard">`
	return changed(t, line, software, software, line)
}

// HalvesExposure starts a fake camera that says of its exposure time that it is
// half of what was set.
func HalvesExposure(t testing.TB) *Camera {
	t.Helper()
	return changed(t, "<FormulaFrom>TO</FormulaFrom>", "<FormulaFrom>TO / 2</FormulaFrom>")
}

// changed starts a fake camera whose own description is changed in places.
func changed(t testing.TB, oldAndNew ...string) *Camera {
	t.Helper()
	c := New(t)
	text := describe(t)
	c.Kill()
	changed := strings.NewReplacer(oldAndNew...).Replace(text)
	if changed == text {
		t.Fatal("the fake camera's description is not what it was")
	}
	path := filepath.Join(t.TempDir(), "camera.xml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	c.options = append(c.options, "-g", path)
	c.Start(t)
	return c
}

func dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", net.JoinHostPort(Address, controlPort))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// describe reads the camera's description from its memory.
func describe(t testing.TB) string {
	t.Helper()
	conn := dial(t)
	defer conn.Close()
	where, _, _ := strings.Cut(string(read(t, conn, registerXML, lengthXML)), "\x00")
	parts := strings.Split(where, ";")
	if len(parts) != 3 {
		t.Fatalf("the description is at %q", where)
	}
	address, errA := strconv.ParseUint(parts[1], 16, 32)
	size, errB := strconv.ParseUint(parts[2], 16, 32)
	if errA != nil || errB != nil {
		t.Fatalf("the description is at %q", where)
	}
	return string(read(t, conn, uint32(address), int(size)))
}

func read(t testing.TB, conn net.Conn, address uint32, size int) []byte {
	t.Helper()
	var out []byte
	for len(out) < size {
		n := min(mostAtOnce, (size-len(out)+3)&^3)
		out = append(out, readBlock(t, conn, address+uint32(len(out)), n)...)
	}
	return out[:size]
}

// readBlock asks until the camera answers, which it does once it has started.
func readBlock(t testing.TB, conn net.Conn, address uint32, size int) []byte {
	t.Helper()
	request := []byte{0x42, 0x01}
	for _, v := range []uint16{readMemory, 8, 1} {
		request = binary.BigEndian.AppendUint16(request, v)
	}
	request = binary.BigEndian.AppendUint32(request, address)
	request = binary.BigEndian.AppendUint32(request, uint32(size))
	answer := make([]byte, answerHeader+mostAtOnce)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, _ = conn.Write(request)
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(answer)
		if err == nil && n == answerHeader+size && binary.BigEndian.Uint32(answer[8:]) == address {
			return answer[answerHeader:n]
		}
	}
	t.Fatal("the fake camera does not answer")
	return nil
}
