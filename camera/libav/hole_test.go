package libav

import (
	"bytes"
	"crypto/md5"
	"strings"
	"testing"
)

// A hole in a file, blocks of the disk that were never written, is nothing that an
// encoder writes: no picture comes of it, and no other once more. Where the container
// has no room for losses, each picture has an answer still.
func TestHoleInAFile(t *testing.T) {
	for name, settings := range map[string][]string{
		"a.mp4": cameraH264, "cavlc.mkv": cavlcH264, "slices.mp4": sliceH264, "a.ts": plainH264,
		"h.mp4": cameraHEVC, "h.mkv": sliceHEVC, "h.ts": cameraHEVC,
		"ffv1.mkv": {"-c:v", "ffv1", "-level", "3", "-slicecrc", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := load(t, encode(t, name, append([]string{"-frames:v", "24", "-movflags", "+faststart"}, settings...)...))
			sent := map[[md5.Size]byte]bool{}
			for _, a := range readAll(t, write(t, name, data), Options{}) {
				sent[a.digest] = true
			}
			for at := len(data) / 6; at < len(data)-5000; at += len(data) / 9 {
				for _, size := range []int{512, 4096} {
					hole := bytes.Clone(data)
					clear(hole[at : at+size])
					got := readAll(t, write(t, name, hole), Options{})
					seen := map[[md5.Size]byte]bool{}
					for i, a := range got {
						if a.err == nil && (!sent[a.digest] || seen[a.digest]) {
							t.Errorf("%d zeros at %d of %d: picture %d was never sent, or came before", size, at, len(data), i)
						}
						seen[a.digest] = a.err == nil
					}
					if strings.HasSuffix(name, ".mp4") && len(got) != 24 {
						t.Errorf("%d zeros at %d of %d: %d answers to 24 pictures", size, at, len(data), len(got))
					}
				}
			}
		})
	}
}

func TestBytesThatNoEncoderWrites(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "\x65\x88": false, "\x65\x00\x00\x03\x00\x88": false, "\x65\x00\x00\x03\x03\x88": false, "\x65\x00\x00\x04": false,
		"\x65\x88\x00\x00\x03": false, "\x65\x88\x00\x00\x00\x00": false, // what zero words and muxers put behind
		"\x65\x00\x00\x00\x88": true, "\x65\x00\x00\x01\x88": true, "\x65\x00\x00\x02\x88": true, "\x65\x00\x00\x03\x04": true,
		"\x65\x00\x00\x03\x00\x00\x03\x88": true, "\x65\x00\x00\x03\x00\x00\x03\x01\x88": false,
	} {
		if got := broken([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	for _, data := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x06\x65\x88\x00\x00\x00\x00"} {
		if nals, err := framing(4).split([]byte(data)); err == nil {
			t.Errorf("%q: %q", data, nals)
		}
	}
}
