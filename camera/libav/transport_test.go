package libav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"faird/camera/fault"

	"gocv.io/x/gocv"
)

// A lost packet of an MPEG transport stream is known from its counters, whatever
// the decoder makes of the rest.
func TestLostTransportPacket(t *testing.T) {
	const packet = 188
	for name, settings := range map[string][]string{"H.264": cameraH264, "H.265": cameraHEVC} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := encode(t, "a.ts", append([]string{"-frames:v", "24"}, settings...)...)
			want := reference(t, path)
			data := load(t, path)
			for at := 8 * packet; at < len(data)-packet; at += 13 * packet {
				got := readAll(t, write(t, "b.ts", data[:at], data[at+packet:]), Options{})
				for _, a := range got {
					if a.err == nil && !slices.Contains(want, fmt.Sprintf("%x", a.digest)) {
						t.Errorf("without the packet at %d, a picture is delivered that was never sent", at)
					}
				}
			}
		})
	}
}

// A file that breaks off gives what is whole, and then says so.
func TestFileThatBreaksOff(t *testing.T) {
	for name, args := range map[string][]string{
		"a.mp4": append([]string{"-movflags", "+faststart"}, cameraH264...),
		"a.mkv": cameraH264,
		"a.ts":  cameraH264,
		"a.avi": {"-c:v", "mjpeg"},
		"h.mp4": append([]string{"-movflags", "+faststart"}, cameraHEVC...),
		"v.mkv": {"-c:v", "libvpx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := encode(t, name, append([]string{"-frames:v", "24"}, args...)...)
			whole := readAll(t, path, Options{})
			data := load(t, path)
			got := readAll(t, write(t, name, data[:len(data)*2/3]), Options{Threads: 2})
			good := 0
			for i, a := range got {
				if a.err == nil && a.digest != whole[i].digest {
					t.Errorf("picture %d differs", i)
				}
				if a.err == nil {
					good++
				}
			}
			if good < 5 || good == len(whole) {
				t.Errorf("%d of %d pictures of a file cut to two thirds", good, len(whole))
			}
			if got[len(got)-1].err == nil && name != "a.mkv" && name != "v.mkv" { // Matroska may be cut between pictures
				t.Errorf("the end of %s was not noticed", name)
			}
		})
	}
}

// A picture of a Motion JPEG file that is cut short is a fault of its own, and the
// next is not touched by it.
func TestMotionJPEG(t *testing.T) {
	path := encode(t, "a.avi", "-frames:v", "5", "-c:v", "mjpeg")
	_, images := units(t, path)
	m := newMJPEG(1 << 20)
	defer m.Close()
	mat := gocv.NewMat()
	defer mat.Close()
	for i, image := range images {
		if i == 2 {
			image = image[:len(image)/2]
		}
		m.send(packet{data: image, pts: int64(i)})
		p, err := m.Receive(&mat)
		if (i == 2) != errors.Is(err, fault.ErrImage) || p.PTS != int64(i) {
			t.Errorf("picture %d: %+v, %v", i, p, err)
		}
		if _, err := m.Receive(&mat); !errors.Is(err, ErrAgain) {
			t.Errorf("after picture %d: %v", i, err)
		}
	}
	m.End()
	if _, err := m.Receive(&mat); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// A live stream gives each picture as soon as its access unit is there.
func TestLiveStreamIsNotDelayed(t *testing.T) {
	for name, settings := range map[string][]string{"H.264": cameraH264, "H.264 slices": sliceH264, "H.265": cameraHEVC, "H.265 rows": hashedHEVC} {
		codec, units := stream(t, settings, 16)
		for _, threads := range []int{1, 2} {
			d, err := NewDecoder(Options{Codec: codec, LowDelay: true, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			m := gocv.NewMat()
			for i, u := range units {
				if p, err := d.Decode(u, int64(i), &m); err != nil || p.PTS != int64(i) {
					t.Errorf("%s, %d threads: access unit %d is answered with %d: %v", name, threads, i, p.PTS, err)
				}
			}
			m.Close()
			_ = d.Close()
		}
	}
}

func TestFlushWaitsForAKeyPicture(t *testing.T) {
	codec, units := stream(t, cameraH264, 24)
	d, err := NewDecoder(Options{Codec: codec, LowDelay: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := gocv.NewMat()
	defer m.Close()
	for i, u := range units {
		if i == 11 {
			d.Flush()
		}
		_, err := d.Decode(u, NoPTS, &m)
		if lost := i >= 11 && i < 16; lost != errors.Is(err, ErrNoKey) || !lost && err != nil {
			t.Errorf("access unit %d: %v", i, err)
		}
	}
}

func TestWrongFiles(t *testing.T) {
	for name, path := range map[string]string{
		"no file": "/nowhere/a.mp4", "text": write(t, "a.mp4", []byte("neither picture nor video")),
		"a list": write(t, "a.m3u8", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n")),
		"empty":  write(t, "a.ts"), "sound": encodeFrom(t, "testsrc2=size=64x64", "a.wav", "-f", "lavfi", "-i", "sine", "-map", "1", "-t", "1"),
	} {
		r, err := Open(context.Background(), path, Options{})
		if err == nil {
			t.Errorf("%s is opened", name)
			_ = r.Close()
		} else if name == "a list" && !strings.Contains(err.Error(), "playlist") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
