package camera

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
)

// receiving starts a camera that takes uploads, on a free port.
func receiving(t *testing.T, query string) (cam *Camera, url string) {
	t.Helper()
	return receivingAtMost(t, query, 0)
}

// receivingAtMost has a limit on pixels of its own.
func receivingAtMost(t *testing.T, query string, maxPixels int) (cam *Camera, url string) {
	t.Helper()
	address := freePort(t, "tcp")
	cam = start(t, "upload://"+address+"/cap"+query, config.Camera{MaxPixels: maxPixels})
	eventually(t, cam, "listening", func(s Status) bool { return s.Connected && s.OnCall })
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return cam, "http://" + address + "/cap"
}

type reply struct {
	status int
	body   map[string]any
}

// send uploads a body. It is safe from any goroutine.
func send(t *testing.T, method, url, token string, body io.Reader) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode}
	if err := json.NewDecoder(resp.Body).Decode(&got.body); err != nil {
		t.Error(err)
	}
	return got
}

func pngOf(t *testing.T, shade uint8) []byte {
	t.Helper()
	data, err := os.ReadFile(writePicture(t, t.TempDir(), "a.png", shade))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUploadIsAnsweredWithItsVerdict(t *testing.T) {
	cam, url := receiving(t, "")
	for i := range 3 {
		answered := make(chan reply, 1)
		go func() {
			answered <- send(t, "POST", url+"?name=../part1.png", "", bytes.NewReader(pngOf(t, uint8(50+i))))
		}()
		f := next(t, cam, time.Time{})
		if f.Source != "part1.png" || f.Err != nil || shade(f.Picture) != uint8(50+i) {
			t.Errorf("%s: %v", f.Source, f.Err)
		}
		f.Answer(&verdict.Verdict{ID: "v1", Verdict: verdict.Fail, Sequence: f.Sequence})
		f.Answer(&verdict.Verdict{ID: "v2"}) // there is one answer
		f.Release()
		if got := <-answered; got.status != http.StatusOK || got.body["id"] != "v1" || got.body["verdict"] != "fail" || got.body["sequence"] != float64(i+1) {
			t.Errorf("%+v", got)
		}
	}
}

func TestUploadThatIsNotJudged(t *testing.T) {
	cam, url := receiving(t, "?deadline=300ms")
	if got := send(t, "PUT", url, "", bytes.NewReader(pngOf(t, 1))); got.status != http.StatusGatewayTimeout { // nobody takes it
		t.Errorf("%+v", got)
	}
	next(t, cam, time.Time{}).Release() // it waited in the slot, but its uploader has gone
	answered := make(chan reply, 1)
	go func() { answered <- send(t, "PUT", url, "", bytes.NewReader(pngOf(t, 1))) }()
	next(t, cam, time.Time{}).Release() // given back without a verdict
	if got := <-answered; got.status != http.StatusServiceUnavailable {
		t.Errorf("%+v", got)
	}
	go func() { answered <- send(t, "PUT", url, "", bytes.NewReader(pngOf(t, 1))) }()
	f := next(t, cam, time.Time{})
	if got := <-answered; got.status != http.StatusGatewayTimeout { // the verdict comes too late
		t.Errorf("%+v", got)
	}
	f.Answer(&verdict.Verdict{})
	f.Release()
}

func TestUploadsThatAreRefused(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	touch(t, secret, []byte("hunter2\n"))
	cam, url := receiving(t, "?max=1kB&token_file="+secret)
	noise := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(i * i >> 3)
	}
	var large bytes.Buffer
	if err := png.Encode(&large, noise); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(pngOf(t, 1))
	copy(huge[16:], []byte{0, 0, 0x80, 0, 0, 0, 0x80, 0}) // width and height: a small file that claims 32768x32768 pixels
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for name, c := range map[string]struct {
		method, path, token string
		body                []byte
		want                int
	}{
		"no token":     {"POST", "", "", pngOf(t, 1), http.StatusUnauthorized},
		"wrong token":  {"POST", "", "hunter3", pngOf(t, 1), http.StatusUnauthorized},
		"wrong path":   {"POST", "/other", "hunter2", pngOf(t, 1), http.StatusNotFound},
		"wrong method": {"DELETE", "", "hunter2", nil, http.StatusMethodNotAllowed},
		"no picture":   {"POST", "", "hunter2", []byte("hello"), http.StatusUnsupportedMediaType},
		"empty":        {"POST", "", "hunter2", nil, http.StatusUnsupportedMediaType},
		"too large":    {"POST", "", "hunter2", large.Bytes(), http.StatusRequestEntityTooLarge},
		"a bomb":       {"POST", "", "hunter2", huge, http.StatusRequestEntityTooLarge},
	} {
		if got := send(t, c.method, url+c.path, c.token, bytes.NewReader(c.body)); got.status != c.want || got.body["error"] == "" {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
	if s := cam.Status(); s.Frames != 0 {
		t.Errorf("%+v", s)
	}
}

// The station's limit is told from the header, before the image is handed on.
func TestUploadBeyondTheLimit(t *testing.T) {
	small, large := pngOf(t, 1), largePNG(t)
	width, height := pictureSize(t, writePicture(t, t.TempDir(), "a.png", 1))
	cam, url := receivingAtMost(t, "", width*height)
	got := send(t, "POST", url, "", bytes.NewReader(large))
	if text := fmt.Sprint(got.body["error"]); got.status != http.StatusRequestEntityTooLarge || !strings.Contains(text, "camera.max_pixels") {
		t.Errorf("%+v", got)
	}
	answered := make(chan reply, 1)
	go func() { answered <- send(t, "POST", url, "", bytes.NewReader(small)) }()
	f := next(t, cam, time.Time{})
	f.Answer(&verdict.Verdict{})
	f.Release()
	if got := <-answered; got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

// largePNG has a few more pixels than pngOf.
func largePNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCutOffUploadIsAFrameThatSaysSo(t *testing.T) {
	cam, url := receiving(t, "")
	answered := make(chan reply, 1)
	whole := pngOf(t, 1)
	go func() { answered <- send(t, "POST", url, "", bytes.NewReader(whole[:len(whole)-10])) }()
	f := next(t, cam, time.Time{})
	wantErr(t, f.Err, ErrPicture)
	f.Answer(&verdict.Verdict{Verdict: verdict.NoRead, Reason: verdict.InvalidPicture})
	f.Release()
	if got := <-answered; got.status != http.StatusOK || got.body["reason"] != string(verdict.InvalidPicture) {
		t.Errorf("%+v", got)
	}
}

func TestMoreUploadsThanSeats(t *testing.T) {
	cam, url := receiving(t, "")
	data := pngOf(t, 1)
	const senders = 3 * uploadSeats
	statuses := make(chan int, senders)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() { statuses <- send(t, "POST", url, "", bytes.NewReader(data)).status })
	}
	counts := map[int]int{}
	for len(statuses) < senders-uploadSeats { // the rest is sent away
		time.Sleep(5 * time.Millisecond)
	}
	for range uploadSeats {
		f := next(t, cam, time.Time{})
		f.Answer(&verdict.Verdict{})
		f.Release()
	}
	all.Wait()
	close(statuses)
	for s := range statuses {
		counts[s]++
	}
	if counts[http.StatusOK] != uploadSeats || counts[http.StatusServiceUnavailable] != senders-uploadSeats {
		t.Errorf("answers %v", counts)
	}
}

func TestUploadAtTheEnd(t *testing.T) {
	address := freePort(t, "tcp")
	cam, err := Open(config.Camera{URL: "upload://" + address}, nopLog)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- cam.Run(ctx) }()
	eventually(t, cam, "listening", func(s Status) bool { return s.Connected })
	answered := make(chan reply, 1)
	go func() { answered <- send(t, "POST", "http://"+address, "", bytes.NewReader(pngOf(t, 1))) }()
	eventually(t, cam, "received", func(s Status) bool { return s.Frames == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := <-answered; got.status != http.StatusServiceUnavailable {
		t.Errorf("%+v", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestUploadAddressThatIsTaken(t *testing.T) {
	_, url := receiving(t, "")
	cam := start(t, "upload://"+strings.TrimPrefix(url, "http://"), config.Camera{})
	eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "another program or station") })
}

// A page that somebody on this network looks at can have the browser post a
// picture here, and a PLC would take its verdict for its part's.
func TestUploadsFromWebPagesAreRefused(t *testing.T) {
	cam, url := receiving(t, "?host=box.example")
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/cap")
	_, port, _ := strings.Cut(address, ":")
	for name, c := range map[string]struct {
		header map[string]string
		host   string
		want   int
	}{
		"cross-site":           {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "", http.StatusForbidden},
		"same site":            {map[string]string{"Sec-Fetch-Site": "same-site"}, "", http.StatusForbidden},
		"old browser":          {map[string]string{"Origin": "https://evil.example"}, "", http.StatusForbidden},
		"sandboxed page":       {map[string]string{"Origin": "null"}, "", http.StatusForbidden},
		"DNS rebinding":        {nil, "evil.example:" + port, http.StatusMisdirectedRequest},
		"rebinding, same site": {map[string]string{"Sec-Fetch-Site": "same-origin"}, "127.0.0.1.evil.example", http.StatusMisdirectedRequest},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(pngOf(t, 1)))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, c.want)
		}
	}
	if s := cam.Status(); s.Frames != 0 {
		t.Errorf("%+v", s)
	}
	for _, host := range []string{"", "localhost:" + port, "box.example", "[::1]:" + port} {
		answered := make(chan int, 1)
		go func() {
			r, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(pngOf(t, 1)))
			if err != nil {
				t.Error(err)
				return
			}
			r.Host = host
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
		f := next(t, cam, time.Time{})
		f.Answer(&verdict.Verdict{})
		f.Release()
		if got := <-answered; got != http.StatusOK {
			t.Errorf("called %q: %d", host, got)
		}
	}
}

// dribble opens a connection and begins an upload on it that never ends.
func dribble(t *testing.T, url, text string) net.Conn {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/cap")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// judged sends a picture and answers for it.
func judged(t *testing.T, cam *Camera, url string) reply {
	t.Helper()
	answered := make(chan reply, 1)
	go func() { answered <- send(t, "POST", url, "", bytes.NewReader(pngOf(t, 1))) }()
	for {
		f, err := cam.Next(short(t, 10*time.Millisecond), time.Time{})
		if err == nil {
			f.Answer(&verdict.Verdict{Verdict: verdict.Pass})
			f.Release()
		}
		select {
		case got := <-answered:
			return got
		default:
		}
	}
}

func TestSlowSendersKeepNobodyOut(t *testing.T) {
	cam, url := receiving(t, "?deadline=1m")
	const begun = "POST /cap HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nsome"
	var slow []net.Conn
	for range uploadBodies {
		slow = append(slow, dribble(t, url, begun))
	}
	time.Sleep(uploadGrace + 200*time.Millisecond)
	for range 3 {
		if got := judged(t, cam, url); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
	}
	told := 0 // which of them came first is up to a busy machine
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		answer := make([]byte, 100)
		if n, _ := conn.Read(answer); strings.Contains(string(answer[:n]), "503") {
			told++
		}
	}
	if told == 0 {
		t.Error("no slow sender was told to make way")
	}
}

func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	cam, url := receiving(t, "?deadline=1m")
	for i := range 2 * uploadConnections {
		dribble(t, url, []string{"", "POST /cap HTTP/1.1\r\nHo"}[i%2])
	}
	if got := judged(t, cam, url); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
	open := 0
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			open++
		}
	}
	if most := 3*uploadConnections + 20; open > most { // the test's ends and the server's
		t.Errorf("%d sockets are open, want %d at most", open, most)
	}
}

func TestMemoryOfBodiesIsBounded(t *testing.T) {
	bs := newBodies(1 << 20)
	var held []*body
	for {
		b, err := bs.begin(func() {})
		if err != nil {
			t.Fatal(err)
		}
		err = b.fill(bytes.NewReader(make([]byte, 1<<20)))
		bs.end(b)
		if held = append(held, b); err != nil {
			wantErr(t, err, errNoMemory)
			break
		}
	}
	if n := len(held); n <= uploadSeats || n > 2*uploadSeats {
		t.Errorf("%d of the largest bodies fit", n)
	}
	for _, b := range held {
		b.release()
	}
	if bs.bytes != bodyMemory(1<<20) {
		t.Errorf("%d bytes are left of %d", bs.bytes, bodyMemory(1<<20))
	}
}

func TestBodyOfTheLargestSize(t *testing.T) {
	data := pngOf(t, 1)
	_, url := receiving(t, fmt.Sprintf("?deadline=300ms&max=%dB", len(data)))
	if got := send(t, "POST", url, "", bytes.NewReader(data)); got.status != http.StatusGatewayTimeout {
		t.Errorf("%+v", got)
	}
	if got := send(t, "POST", url, "", bytes.NewReader(append(data, 0))); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("%+v", got)
	}
	if got := send(t, "POST", url+"?name="+strings.Repeat("n", 256), "", bytes.NewReader(data)); got.status != http.StatusBadRequest {
		t.Errorf("%+v", got)
	}
}

func TestBodyThatStallsIsToldSo(t *testing.T) {
	_, url := receiving(t, "?deadline=300ms")
	conn := dribble(t, url, "POST /cap HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nsome")
	answer := make([]byte, 100)
	if n, err := conn.Read(answer); err != nil || !strings.Contains(string(answer[:n]), "408") {
		t.Errorf("told %q, %v", answer[:n], err)
	}
}

// Each limit that whoever reaches the address can reach is logged, once a minute.
func TestUploadLimitsAreLogged(t *testing.T) {
	var log journal
	address := freePort(t, "tcp")
	cam := startLogged(t, "upload://"+address+"/cap?deadline=1m", config.Camera{}, zerolog.New(&log))
	eventually(t, cam, "listening", func(s Status) bool { return s.Connected })
	url := "http://" + address + "/cap"
	for range 2 * uploadConnections {
		dribble(t, url, "")
	}
	for range 2 * uploadBodies { // within the grace of the first ones, so that some are refused
		dribble(t, url, "POST /cap HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nsome")
	}
	for _, line := range []string{"too many upload connections", "an upload was refused"} {
		for end := time.Now().Add(patience); !strings.Contains(log.text(), line); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%q is not logged: %s", line, log.text())
			}
		}
	}
	time.Sleep(50 * time.Millisecond)
	if text := log.text(); strings.Count(text, "too many upload") != 1 || strings.Count(text, "was refused") != 1 {
		t.Error(text)
	}
}
