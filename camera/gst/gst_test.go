package gst

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const patience = 20 * time.Second

func play(t *testing.T, text string) *Pipeline {
	t.Helper()
	if err := Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
	p, err := Open(text, "out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPicturesCome(t *testing.T) {
	p := play(t, "videotestsrc is-live=true pattern=white ! video/x-raw,format=BGR,width=33,height=20,framerate=50/1 ! appsink name=out drop=true max-buffers=1 sync=false")
	if playing, err := p.Await(patience); !playing || err != nil {
		t.Fatal(playing, err)
	}
	for range 5 {
		picture, came, err := p.Pull(patience)
		if !came || err != nil {
			t.Fatal(came, err)
		}
		if picture.Width != 33 || picture.Height != 20 || picture.Format != "BGR" || len(picture.Pixels) != 20*100 || picture.Pixels[50] < 200 {
			t.Errorf("%dx%d %s, %d bytes", picture.Width, picture.Height, picture.Format, len(picture.Pixels))
		}
		picture.Release()
	}
	p.Close()
	p.Close() // does nothing
}

func TestPipelineEnds(t *testing.T) {
	p := play(t, "videotestsrc num-buffers=2 ! video/x-raw,width=32,height=32 ! appsink name=out sync=false")
	for range 2 {
		picture, came, err := p.Pull(patience)
		if !came || err != nil {
			t.Fatal(came, err)
		}
		picture.Release()
	}
	if _, came, err := p.Pull(patience); came || !errors.Is(err, io.EOF) {
		t.Error(came, err)
	}
}

func TestPullComesBackByItself(t *testing.T) {
	p := play(t, "udpsrc port=0 ! video/x-raw,format=BGR,width=32,height=32,framerate=1/1 ! appsink name=out")
	if _, came, err := p.Pull(50 * time.Millisecond); came || err != nil {
		t.Error(came, err)
	}
}

// A pipeline that cannot play says why, and takes nothing with it.
func TestWrongPipelines(t *testing.T) {
	if err := Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
	for text, want := range map[string]string{
		"nosuchelement ! appsink name=out":                                  "nosuchelement",
		"videotestsrc pattrn=1 ! appsink name=out":                          "pattrn",
		"videotestsrc ! fakesink":                                           "no appsink",
		"filesrc location=/nowhere/at/all ! appsink name=out":               "/nowhere/at/all",
		"rtspsrc location=rtsp://127.0.0.1:1/x ! appsink name=out":          "Failed to connect",
		"videotestsrc ! audio/x-raw ! appsink name=out":                     "",
		"rtspsrc location=rtsp://127.0.0.1:1/y ! fakesink name=out":         "Failed to connect",
		"multifilesrc location=/nowhere/%d.png ! pngdec ! appsink name=out": "nowhere",
	} {
		if err := broken(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not name %q", text, err, want)
		}
	}
}

func broken(text string) error {
	p, err := Open(text, "out")
	if err != nil {
		return err
	}
	defer p.Close()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if playing, err := p.Await(100 * time.Millisecond); playing || err != nil {
			return err
		}
	}
	return nil
}

func TestHas(t *testing.T) {
	if err := Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
	if !Has("appsink") || Has("nosuchelement") {
		t.Error(Has("appsink"), Has("nosuchelement"))
	}
}
