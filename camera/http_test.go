package camera

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
	"faird/config"
	"faird/verdict"
)

// scene is the JPEG of a picture full of detail, each n another one.
func scene(t testing.TB, n uint64, width, height int) []byte {
	t.Helper()
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(n, 15))
	for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
		for i := range plane {
			plane[i] = uint8(96 + random.IntN(64))
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func plainScene(t testing.TB, n uint64) []byte {
	t.Helper()
	return scene(t, n, 160, 120)
}

// shows says whether a frame is the decoded image and nothing else.
func shows(t *testing.T, f *Frame, image []byte) bool {
	t.Helper()
	d, m := imagefile.NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer m.Close()
	if _, err := d.Decode(image, &m); err != nil {
		t.Fatal(err)
	}
	return f.Err == nil && bytes.Equal(m.ToBytes(), f.Picture.ToBytes())
}

func partOf(image []byte) string {
	return fmt.Sprintf("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(image), image)
}

// puppet is an HTTP camera that sends what the test tells it to.
type puppet struct {
	*httptest.Server
	send    chan string // "" drops the connection
	opened  atomic.Int64
	serving atomic.Int64
}

func newPuppet(t *testing.T) *puppet {
	t.Helper()
	p := &puppet{send: make(chan string)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *puppet) serve(w http.ResponseWriter, r *http.Request) {
	p.serving.Add(1)
	defer p.serving.Add(-1)
	p.opened.Add(1)
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	w.WriteHeader(http.StatusOK)
	for {
		w.(http.Flusher).Flush()
		select {
		case text := <-p.send:
			if text == "" {
				panic(http.ErrAbortHandler)
			}
			_, _ = w.Write([]byte(text))
		case <-r.Context().Done():
			return
		}
	}
}

// settle sends what a new connection throws away, and an image, which is handed out.
func (p *puppet) settle(t *testing.T, cam *Camera, n uint64) {
	t.Helper()
	p.send <- partOf(plainScene(t, n))
	p.send <- partOf(plainScene(t, n+1))
	wantFault(t, cam, "")
}

// Each broken part is a frame that is not judged, and the next one is whole.
func TestHTTPFaults(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{MaxPixels: 160 * 120})
	p.settle(t, cam, 1)
	whole := plainScene(t, 3)
	damaged := bytes.Clone(whole)
	for i := range 32 {
		damaged[len(damaged)/2+i] ^= 0x55
	}
	n := uint64(100)
	for name, c := range map[string]struct {
		image []byte
		want  verdict.Check
	}{
		"55% of it":        {whole[:len(whole)*55/100], verdict.Incomplete},
		"no end marker":    {whole[:len(whole)-2], verdict.Incomplete},
		"half with an end": {append(bytes.Clone(whole[:len(whole)/2]), 0xff, 0xd9), verdict.Damaged},
		"damaged inside":   {damaged, verdict.Damaged},
		"not a JPEG":       {[]byte("sorry"), verdict.Damaged},
		"nothing":          {nil, verdict.Incomplete},
		"too many pixels":  {scene(t, 1, 168, 120), verdict.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			p.send <- partOf(c.image)
			wantFault(t, cam, c.want)
			n++
			good := plainScene(t, n)
			p.send <- partOf(good)
			f := next(t, cam, time.Time{})
			defer f.Release()
			if !shows(t, f, good) {
				t.Errorf("the next image: %v", f.Err)
			}
		})
	}
	if s := cam.Status(); s.Reopened != 0 || s.Faults != (verdict.FaultCounts{Incomplete: 3, Damaged: 3, TooLarge: 1}) {
		t.Errorf("%+v", s)
	}
}

// A part that ends before what Content-Length promises shows only once the next
// one has come. It is counted though the next one is the newer.
func TestHTTPPromiseNotKept(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{})
	p.settle(t, cam, 1)
	whole := partOf(plainScene(t, 3))
	p.send <- whole[:len(whole)*55/100] + "\r\n" + partOf(plainScene(t, 4))
	s := eventually(t, cam, "counted", func(s Status) bool { return s.Faults.Incomplete == 1 && s.Frames == 4 })
	if s.Reopened != 0 {
		t.Errorf("%+v", s)
	}
}

// A part beyond all limits closes the connection; nothing more of it is read.
func TestHTTPTooManyBytes(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{MaxPixels: 160 * 120, BackoffMin: 2 * time.Second, BackoffMax: 2 * time.Second})
	p.settle(t, cam, 1)
	p.send <- "--frame\r\nContent-Length: 1000000000\r\n\r\n"
	s := eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
	if s.Faults != (verdict.FaultCounts{TooLarge: 1}) || !strings.Contains(s.Err, "the connection was closed: Content-Length is 1000000000 bytes") {
		t.Errorf("%+v", s)
	}
}

// A connection that breaks off within an image leaves a frame that is not judged.
func TestHTTPCutWithinAnImage(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{BackoffMin: 2 * time.Second, BackoffMax: 2 * time.Second})
	p.settle(t, cam, 1)
	whole := partOf(plainScene(t, 3))
	p.send <- whole[:len(whole)/2]
	p.send <- ""
	s := eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
	if s.Faults != (verdict.FaultCounts{Incomplete: 1}) || s.Err == "" || s.Abandoned != 0 {
		t.Errorf("%+v", s)
	}
}

// Bytes that trickle in are no image, and a camera that stops within one is lost.
func TestHTTPDrip(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{ReadTimeout: 3 * time.Second})
	p.settle(t, cam, 1)
	whole := partOf(plainScene(t, 3))
	p.send <- whole[:1000]
	for i := 1000; cam.Status().Connected; i++ {
		select {
		case p.send <- whole[i : i+1]:
		case <-time.After(10 * time.Millisecond):
		}
		time.Sleep(10 * time.Millisecond)
	}
	if s := cam.Status(); !strings.Contains(s.Err, "no whole image came within 2.7s") || s.Faults.Incomplete != 1 {
		t.Errorf("%+v", s)
	}
}

// What a server resends while its sensor stands still is not judged once more,
// neither on the same connection nor on the next, whatever its metadata say.
func TestHTTPRepeats(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{})
	p.settle(t, cam, 1)
	same := plainScene(t, 2)
	dated := append([]byte("\xff\xd8\xff\xfe\x00\x0c12:00:00.1"), same[2:]...)
	for _, again := range [][]byte{same, dated, same} {
		p.send <- partOf(again)
		wantFault(t, cam, verdict.Repeated)
	}
	p.send <- ""
	p.send <- partOf(same) // the first one of a connection is thrown away anyhow
	p.send <- partOf(same)
	wantFault(t, cam, verdict.Repeated)
	p.send <- partOf(plainScene(t, 3))
	wantFault(t, cam, "")
	p.send <- partOf(same) // other images came in between
	wantFault(t, cam, "")
}

// A camera that is set to another size or subsampling is opened again.
func TestHTTPFormChanges(t *testing.T) {
	p := newPuppet(t)
	cam := start(t, p.URL+"?latency=0s", config.Camera{})
	p.settle(t, cam, 1)
	for n, form := range []struct{ size, pixels string }{
		{"160x120", "yuvj444p"}, {"160x120", "yuvj422p"}, {"320x240", "yuvj422p"}, {"320x240", "gray"}, {"160x120", "yuvj420p"},
	} {
		images := encodedAs(t, form.size, form.pixels)
		p.send <- partOf(images[0])
		wantFault(t, cam, verdict.FormChanged)
		for p.opened.Load() != int64(n+2) || p.serving.Load() != 1 {
			time.Sleep(time.Millisecond)
		}
		p.send <- partOf(images[1]) // of the new connection: thrown away
		p.send <- partOf(images[2])
		f := next(t, cam, time.Time{})
		if !shows(t, f, images[2]) {
			t.Errorf("%v: %v", form, f.Err)
		}
		f.Release()
	}
	if s := cam.Status(); s.Reopened != 5 || s.Faults.FormChanged != 5 {
		t.Errorf("%+v", s)
	}
}

// encodedAs is three images as ffmpeg encodes them with one of its pixel formats.
func encodedAs(t *testing.T, size, pixels string) (images [3][]byte) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=rate=5:size="+size,
		"-frames:v", "3", "-pix_fmt", pixels, "-strict", "unofficial", dir+"/%d.jpg").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s; is it missing? run make deps-test", err, out)
	}
	for i := range images {
		if images[i], err = os.ReadFile(fmt.Sprintf("%s/%d.jpg", dir, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// What answers but is no stream of images is an error that says what to do.
func TestHTTPAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/401" {
			w.Header().Set("WWW-Authenticate", `Digest realm="camera", nonce="1", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for url, want := range map[string]string{
		server.URL + "/?type=image/jpeg":                                  "add every=500ms",
		server.URL + "/?type=multipart/x-mixed-replace&every=1s":          "take every out",
		server.URL + "/?type=text/html":                                   `sends "text/html": name a path`,
		server.URL + "/?type=text/html&every=1s":                          `answered with "text/html"`,
		server.URL + "/?type=video/mp2t":                                  `sends "video/mp2t"`,
		"http://root:top%20secret@" + host + "/401?loginpas=confidential": "user or password is wrong",
	} {
		cam := start(t, url, config.Camera{})
		s := eventually(t, cam, "refused", func(s Status) bool { return s.Failed })
		if !strings.Contains(s.Err, want) || strings.Contains(s.Err, "secret") || strings.Contains(s.Err, "confidential") {
			t.Errorf("%s: %s", url, s.Err)
		}
	}
}

// TestHTTPFromFFmpeg plays ffmpeg's own Motion JPEG server.
func TestHTTPFromFFmpeg(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is not installed: run make deps-test")
	}
	address := freePort(t, "tcp")
	server := exec.Command(program, "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
		"-f", "mpjpeg", "-content_type", "multipart/x-mixed-replace; boundary=ffmpeg", "-listen", "1", "http://"+address+"/live.mjpg")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	cam := start(t, "http://"+address+"/live.mjpg?expect=320x240", config.Camera{})
	for range 10 {
		wantFault(t, cam, "")
	}
	if s := cam.Status(); s.Faults != (verdict.FaultCounts{}) || s.Width != 320 {
		t.Errorf("%+v", s)
	}
}
