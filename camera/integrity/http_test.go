package integrity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// partFault is what happens to the parts of a multipart stream, to a share of them.
type partFault struct {
	share float64
	how   damagePart
}

// damagePart sends an image in a way of its own.
type damagePart func(w io.Writer, image []byte, rng *rand.Rand) error

// httpServer passes on what ffmpeg's HTTP server sends: to each client the next
// clip, and so round until as many images were sent as the clips have in all.
type httpServer struct {
	t      *testing.T
	faulty partFault
	name   string
	clips  []*clip
	judge  *judge
	done   atomic.Bool

	parts, damaged atomic.Int64
}

const boundary = "ffmpeg"

// throughHTTP streams Motion JPEG over HTTP.
func throughHTTP(t *testing.T, sc scenario, clips []*clip, j *judge) server {
	t.Helper()
	h := &httpServer{t: t, faulty: sc.parts, name: sc.name, clips: clips, judge: j}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	j.sent = h.parts.Load
	report := func() string {
		return fmt.Sprintf("%d connections, %d parts damaged", len(j.plays.starts), h.damaged.Load())
	}
	return server{url: s.URL + "/stream" + sc.query(), done: &h.done, event: report}
}

// ServeHTTP implements http.Handler.
func (h *httpServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.done.Load() {
		http.Error(w, "all was sent", http.StatusNotFound)
		return
	}
	play := h.judge.plays.start()
	defer h.enough()
	c := h.clips[play%len(h.clips)]
	err := h.stream(w, r, c, play)
	if errors.Is(err, errStalled) {
		<-r.Context().Done() // the client has enough of it
	}
	if err != nil && r.Context().Err() == nil {
		h.t.Errorf("streaming %v: %v", c, err)
	}
}

func (h *httpServer) enough() {
	total := 0
	for _, c := range h.clips {
		total += c.images
	}
	if int(h.parts.Load()) >= total {
		h.done.Store(true)
	}
}

func (h *httpServer) stream(w http.ResponseWriter, r *http.Request, c *clip, play int) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	response, wait, err := fromFFmpeg(ctx, c.path)
	if err != nil {
		return err
	}
	defer wait()
	defer cancel()
	defer response.Body.Close()
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	defer h.judge.settle(number{c.id, uint16(c.images - 1)})
	if h.faulty.how == nil {
		defer h.parts.Add(int64(c.images))
		return copyFlushing(w, response.Body)
	}
	return h.damage(w, response, play)
}

// copyFlushing passes everything on as it comes.
func copyFlushing(w http.ResponseWriter, from io.Reader) error {
	chunk := make([]byte, 1<<16)
	for {
		n, err := from.Read(chunk)
		if _, err := w.Write(chunk[:n]); err != nil {
			return err
		}
		w.(http.Flusher).Flush()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// damage passes on part by part.
func (h *httpServer) damage(w http.ResponseWriter, response *http.Response, play int) error {
	_, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	parts := multipart.NewReader(response.Body, parameters["boundary"])
	rng := random(fmt.Sprint(h.name, " connection ", play))
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		image, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		h.parts.Add(1)
		if rng.Float64() < h.faulty.share {
			h.damaged.Add(1)
			err = h.faulty.how(w, image, rng)
		} else {
			err = writePart(w, image, len(image))
		}
		if err != nil {
			return err
		}
		w.(http.Flusher).Flush()
	}
}

func writePart(w io.Writer, image []byte, length int) error {
	_, err := fmt.Fprintf(w, "--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", boundary, length, image)
	return err
}

// fromFFmpeg has ffmpeg serve a clip to one client, at its own pace, and is it.
func fromFFmpeg(ctx context.Context, path string) (_ *http.Response, wait func(), _ error) {
	address, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	url := "http://" + address + "/stream"
	command := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-nostats", "-loglevel", "fatal", "-re", "-i", path, "-c", "copy",
		"-f", "mpjpeg", "-content_type", "multipart/x-mixed-replace;boundary="+boundary, "-listen", "1", url)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	wait = func() { _ = command.Wait() }
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, nil, err
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			return response, wait, nil
		}
		if time.Since(begin) > patience || ctx.Err() != nil {
			_ = command.Process.Kill()
			wait()
			return nil, nil, err
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// cutShort leaves out the end of the image and promises all of it.
func cutShort(w io.Writer, image []byte, rng *rand.Rand) error {
	return writePart(w, image[:rng.IntN(len(image))], len(image))
}

// cutShortUnnoticed leaves out the end of the image and promises no more.
func cutShortUnnoticed(w io.Writer, image []byte, rng *rand.Rand) error {
	short := image[:rng.IntN(len(image))]
	return writePart(w, short, len(short))
}

// hole leaves out some bytes in the middle of the compressed data and promises
// all of it.
func hole(w io.Writer, image []byte, rng *rand.Rand) error {
	return writePart(w, torn(image, rng), len(image))
}

// holeUnnoticed leaves out some bytes and promises no more. What follows may by
// chance decode to just as many blocks.
func holeUnnoticed(w io.Writer, image []byte, rng *rand.Rand) error {
	short := torn(image, rng)
	return writePart(w, short, len(short))
}

func torn(image []byte, rng *rand.Rand) []byte {
	length := 1 + rng.IntN(len(image)/4)
	at := len(image)/3 + rng.IntN(len(image)/3)
	return append(bytes.Clone(image[:at]), image[at+length:]...)
}

// lie sends the whole image and a wrong length.
func lie(w io.Writer, image []byte, rng *rand.Rand) error {
	return writePart(w, image, 1+rng.IntN(2*len(image)))
}

// cut sends part of the image and closes the connection.
func cut(w io.Writer, image []byte, rng *rand.Rand) error {
	if err := writePart(w, image[:rng.IntN(len(image))], len(image)); err != nil {
		return err
	}
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// alter inverts bits of the image.
func alter(w io.Writer, image []byte, rng *rand.Rand) error {
	return writePart(w, flipBits(image, rng), len(image))
}

// stall sends part of the image and nothing more.
func stall(w io.Writer, image []byte, rng *rand.Rand) error {
	if err := writePart(w, image[:rng.IntN(len(image))], len(image)); err != nil {
		return err
	}
	w.(http.Flusher).Flush()
	return errStalled
}
