package integrity

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// throughRelay streams through gortsplib's server, with ffmpeg as the sender.
func throughRelay(t *testing.T, sc scenario, clips []*clip, j *judge) server {
	t.Helper()
	r := newRelay(t)
	p := sc.proxy(t, r.address)
	s := server{url: "rtsp://" + p.address() + "/line" + sc.query(), done: &atomic.Bool{}, event: p.report}
	files, last := sc.files(t, clips)
	ctx, cancel := context.WithCancel(context.Background())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		defer s.done.Store(true)
		for i, path := range files {
			goesOn := sc.joined && i < len(files)-1
			if err := r.publish(ctx, path, goesOn, func() { j.settle(last[i]) }); err != nil && ctx.Err() == nil {
				t.Errorf("publishing %s: %v", path, err)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		publishing.Wait()
	})
	return s
}

// query is that of the camera's URL. What comes first is wanted too: it is not old.
func (sc scenario) query() string {
	if sc.udp {
		return "?latency=0s&transport=udp"
	}
	return "?latency=0s"
}

func (sc scenario) proxy(t *testing.T, address string) *proxy {
	t.Helper()
	p := &proxy{server: address, name: sc.name, plays: &plays{}, udp: sc.damage, tcp: sc.tcp}
	p.start(t)
	return p
}

func (p *proxy) report() string {
	text := fmt.Sprintf("played %d times", p.played.Load())
	if n := p.faults.Load(); n > 0 {
		text += fmt.Sprintf(", %d connections broken", n)
	}
	if what := p.events.String(); what != "" {
		text += ", " + what
	}
	return text
}

// files are what is sent and the last image of each.
func (sc scenario) files(t *testing.T, clips []*clip) (files []string, last []number) {
	t.Helper()
	for _, c := range clips {
		files = append(files, c.path)
		last = append(last, number{c.id, uint16(c.images - 1)})
	}
	if !sc.joined || clips[0].codec == "mjpeg" { // ffmpeg would send all JPEG under the size of the first
		return files, last
	}
	var list strings.Builder
	for _, path := range files {
		fmt.Fprintf(&list, "file '%s'\n", path)
	}
	path := filepath.Join(t.TempDir(), "joined.txt")
	if err := os.WriteFile(path, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{path}, last[len(last)-1:]
}
