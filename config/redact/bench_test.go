package redact

import (
	"strings"
	"testing"
)

// BenchmarkWriter is what masking costs a line of the daemon's log.
func BenchmarkWriter(b *testing.B) {
	forget(b)
	for _, s := range []string{"hunter2", "first@SECOND", "correct horse battery", "tr0ub4dor&3", "0123456789abcdef", "plc-password", "scada-password", "camera2"} {
		learnLogin("admin", s)
	}
	for name, line := range map[string]string{
		"plain": `{"level":"info","station":"cap","attempts":3,"outage":1234.5,"time":"2026-10-02T14:51:39.123456+02:00","message":"camera connected"}` + "\n",
		"URL":   `{"level":"warn","station":"cap","camera":"rtsp://admin:******@10.0.0.5:554/cam/realmonitor?channel=1&subtype=0","error":"dial tcp 10.0.0.5:554: connect: connection refused: is the camera on, and the address right?","attempts":1,"abandoned":0,"time":"2026-10-02T14:51:39.123456+02:00","message":"camera lost"}` + "\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				JSON([]byte(line))
			}
		})
	}
}

// BenchmarkHostile is a line of a megabyte that means much work: it must take
// about as long as any other of its length.
func BenchmarkHostile(b *testing.B) {
	forget(b)
	for _, s := range []string{"hunter2", "first@SECOND", "aaaa"} {
		learnLogin("admin", s)
	}
	for _, part := range []string{"a", "a://", "a:b@", "pwd=", `"a://`, "a:// ", "'\\", "password:", "a@1 ", "x=&", "aaaa:aaaa@aaaa ", "%3A%2F%2F%40", "a://b:c@", "a://b: ", "pwd=&", "a://b:c ", "'a://b'"} {
		line := strings.Repeat(part, 1<<20/len(part))
		b.Run(part, func(b *testing.B) {
			b.SetBytes(1 << 20)
			for b.Loop() {
				Text(line)
			}
		})
	}
}
