package integrity

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// payloaders end GStreamer's pipelines that send a codec over RTP.
var payloaders = map[string]string{
	"h264":  "h264parse ! rtph264pay name=pay0 config-interval=-1",
	"h265":  "h265parse ! rtph265pay name=pay0 config-interval=-1",
	"mjpeg": "jpegparse ! rtpjpegpay name=pay0",
}

// throughGStreamer streams one clip from GStreamer's RTSP server, which starts it
// over for each client.
func throughGStreamer(t *testing.T, sc scenario, clips []*clip, j *judge) server {
	t.Helper()
	c := clips[0]
	port := startGStreamer(t, "filesrc location="+c.path+" ! matroskademux ! "+payloaders[c.codec])
	s := server{done: &atomic.Bool{}}
	p := &proxy{server: "127.0.0.1:" + port, name: sc.name, udp: sc.damage, tcp: sc.tcp}
	p.ended = func() {
		s.done.Store(true)
		_ = p.listener.Close() // the clip would be played again
	}
	p.start(t)
	p.plays = j.plays
	j.sent = func() int64 { return p.played.Load() * int64(c.images) }
	s.url, s.event = "rtsp://"+p.address()+"/line"+sc.query(), p.report
	return s
}

// serverProgram compiles the server once.
var serverProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(library.folder(), "rtspserver")
	compiler := exec.Command("cc", "-o", path, "testdata/rtspserver.c", "-pthread",
		"-l:libgstrtspserver-1.0.so.0", "-l:libgstreamer-1.0.so.0", "-l:libglib-2.0.so.0")
	compiler.Stderr = os.Stderr
	return path, compiler.Run()
})

func startGStreamer(t *testing.T, pipeline string) (port string) {
	t.Helper()
	program, err := serverProgram()
	if err != nil {
		t.Fatalf("GStreamer's RTSP server: %v: run make deps-test", err)
	}
	command := exec.Command(program, pipeline)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe() // its end ends the server
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("GStreamer's RTSP server: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("GStreamer's RTSP server says no port: %v", err)
	}
	return strings.TrimSpace(line)
}
