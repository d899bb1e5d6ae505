package camera

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// A strip is a picture of the time at which it was drawn: 48 bits of the
// milliseconds since 1970, the first one top left, as 8x6 black and white fields.
const (
	stripWidth  = 320
	stripHeight = 240
	stripAcross = 8
	stripDown   = 6
	stripBits   = stripAcross * stripDown
)

func drawStrip() []byte { return drawStripOf(time.Now()) }

func drawStripOf(at time.Time) []byte {
	now := at.UnixMilli()
	m := image.NewYCbCr(image.Rect(0, 0, stripWidth, stripHeight), image.YCbCrSubsampleRatio420) // RTP takes no grey
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	for y := range stripHeight {
		for x := range stripWidth {
			if bit := y*stripDown/stripHeight*stripAcross + x*stripAcross/stripWidth; now>>bit&1 != 0 {
				m.Y[m.YOffset(x, y)] = 255
			}
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// readStrip tells when a picture was drawn.
func readStrip(m gocv.Mat) time.Time {
	var ms int64
	for bit := range stripBits {
		x := (2*(bit%stripAcross) + 1) * m.Cols() / (2 * stripAcross)
		y := (2*(bit/stripAcross) + 1) * m.Rows() / (2 * stripDown)
		if m.GetVecbAt(y, x)[0] > 127 {
			ms |= 1 << bit
		}
	}
	return time.UnixMilli(ms)
}

// eachStream runs a test on a server of strips over each kind of stream.
func eachStream(t *testing.T, query string, test func(t *testing.T, cam *Camera)) {
	t.Helper()
	const interval = 25 * time.Millisecond
	for name, url := range map[string]func(t *testing.T) string{
		"http": func(t *testing.T) string {
			s := &mjpegServer{interval: interval, draw: drawStrip}
			s.start(t)
			t.Cleanup(s.kill)
			return s.url()
		},
		"rtsp tcp": func(t *testing.T) string {
			return "rtsp://" + serveRTSP(t, &mjpegServer{interval: interval, draw: drawStrip}).address + "/plain"
		},
		"rtsp udp": func(t *testing.T) string {
			return "rtsp://" + serveRTSP(t, &mjpegServer{interval: interval, draw: drawStrip}).address + "/plain?transport=udp"
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := url(t)
			if query != "" {
				u += map[bool]string{true: "&", false: "?"}[bytes.ContainsRune([]byte(u), '?')] + query
			}
			test(t, start(t, u, config.Camera{}))
		})
	}
}

// A consumer that is slow finds no queue: what it gets is from the end of its
// pause, not from its beginning, and no older the tenth time.
func TestSlowConsumerGetsNewPictures(t *testing.T) {
	const pause = 700 * time.Millisecond // 28 pictures
	eachStream(t, "", func(t *testing.T, cam *Camera) {
		next(t, cam, time.Time{}).Release()
		var oldest time.Duration
		for range 5 {
			time.Sleep(pause)
			f := next(t, cam, time.Time{})
			age := time.Since(readStrip(f.Picture))
			f.Release()
			if oldest = max(oldest, age); age > pause || age < -time.Millisecond {
				t.Errorf("a picture was %v old when it was taken", age)
			}
		}
		t.Logf("oldest picture %v", oldest)
	})
}

// With a trigger the picture was exposed after it, as its own time shows, though
// the stream does not tell; the verdict says that this rests on an estimate.
func TestTriggeredPictureIsNewerThanItsTrigger(t *testing.T) {
	eachStream(t, "latency=600ms", func(t *testing.T, cam *Camera) {
		next(t, cam, time.Time{}).Release()
		for range 4 {
			trigger := time.Now()
			f := next(t, cam, trigger)
			if drawn := readStrip(f.Picture); drawn.Before(trigger.Truncate(time.Millisecond)) {
				t.Errorf("exposed %v before the trigger", trigger.Sub(drawn))
			}
			if f.Exposure != verdict.Estimated {
				t.Errorf("exposure %s, though the stream does not tell", f.Exposure)
			}
			f.Release()
		}
	})
}
