package integrity

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// spec says how a clip is encoded.
type spec struct {
	codec         string // h264, h265 or mjpeg
	width, height int
	pixels        string // ffmpeg's pixel format; "" is the usual one, 4:2:0
	style         string // a key of styles; "" is one slice, key frame every gop images
	images        int
}

// gop is the distance of key frames: a second of a camera's 25 images.
const gop = 25

// rate is what the streams say of themselves, images per second.
const rate = 50

// styles are additions to the encoder's parameters.
var styles = map[string]map[string]string{
	"h264": {
		"":              "bframes=0",
		"slices":        "bframes=0:slices=4",
		"bframes":       "bframes=2",
		"intra-refresh": "bframes=0:intra-refresh=1",
	},
	"h265": {
		"":        "bframes=0",
		"slices":  "bframes=0:slices=3",
		"bframes": "bframes=2:open-gop=1",
	},
}

var pixelFormats = map[string]string{"h264": "yuv420p", "h265": "yuv420p", "mjpeg": "yuvj420p"}

func (s spec) withDefaults() spec {
	if s.width == 0 {
		s.width, s.height = 320, 240
	}
	if s.pixels == "" {
		s.pixels = pixelFormats[s.codec]
	}
	return s
}

func (s spec) String() string {
	return strings.Trim(fmt.Sprintf("%s %dx%d %s %s", s.codec, s.width, s.height, s.pixels, s.style), " ")
}

// encoder returns ffmpeg's arguments.
func (s spec) encoder() []string {
	common := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:repeat-headers=1:", gop, gop)
	switch s.codec {
	case "h264":
		return []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-x264-params", common + styles["h264"][s.style]}
	case "h265":
		return []string{"-c:v", "libx265", "-preset", "ultrafast", "-crf", "18", "-x265-params", common + "log-level=error:pools=1:frame-threads=1:" + styles["h265"][s.style]}
	}
	// RFC 2435 wants the standard Huffman tables and two quantization tables.
	return []string{"-c:v", "mjpeg", "-q:v", "3", "-huffman", "default", "-force_duplicated_matrix", "1"}
}

// clip is an encoded stream and what each of its images looks like.
type clip struct {
	spec
	id      uint8
	path    string   // in Matroska
	decoded *os.File // by ffmpeg, 8-bit BGR, one image after the other
}

// reference returns the loss-free decode of an image.
func (c *clip) reference(index uint16) ([]byte, error) {
	out := make([]byte, 3*c.width*c.height)
	_, err := c.decoded.ReadAt(out, int64(index)*int64(len(out)))
	return out, err
}

// clips makes each clip once for all tests.
type clips struct {
	mu    sync.Mutex
	dir   string
	known map[spec]*making
}

type making struct {
	id   uint8
	once sync.Once
	clip *clip
	err  error
}

var library = &clips{known: map[spec]*making{}}

func (l *clips) get(t *testing.T, s spec) *clip {
	t.Helper()
	s = s.withDefaults()
	m := l.entry(s)
	m.once.Do(func() { m.clip, m.err = newClip(s, m.id, l.folder()) })
	if m.err != nil {
		t.Fatalf("clip %v: %v", s, m.err)
	}
	return m.clip
}

// entry returns the place of a clip, which need not have been made yet.
func (l *clips) entry(s spec) *making {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.known[s]
	if m == nil {
		m = &making{id: uint8(len(l.known))}
		l.known[s] = m
	}
	return m
}

// folder is where everything is kept until the tests end.
func (l *clips) folder() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dir == "" {
		var err error
		if l.dir, err = os.MkdirTemp("", "faird-integrity-"); err != nil {
			panic(err)
		}
	}
	return l.dir
}

func (l *clips) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.known {
		if m.clip != nil {
			_ = m.clip.decoded.Close()
		}
	}
	_ = os.RemoveAll(l.dir)
}

// newClip draws, encodes and decodes a clip.
func newClip(s spec, id uint8, dir string) (*clip, error) {
	c := &clip{spec: s, id: id, path: filepath.Join(dir, fmt.Sprintf("%d.mkv", id))}
	if err := c.encode(); err != nil {
		return nil, err
	}
	if err := c.decode(); err != nil {
		return nil, err
	}
	return c, c.verify()
}

func (c *clip) encode() error {
	images := &drawing{scene: newScene(c.width, c.height, random(c.String())), next: number{clip: c.id}, left: c.images}
	if c.style == "libjpeg" {
		return c.encodeJPEG(images)
	}
	arguments := []string{"-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", fmt.Sprintf("%dx%d", c.width, c.height), "-r", strconv.Itoa(rate), "-i", "-", "-pix_fmt", c.pixels}
	arguments = append(append(arguments, c.encoder()...), "-y", c.path)
	return ffmpeg(images, arguments...)
}

// encodeJPEG uses GStreamer's encoder, which is libjpeg: of ffmpeg's JPEG only
// 4:2:0 can be sent over RTP, as it samples 4:2:2 in its own way.
func (c *clip) encodeJPEG(images io.Reader) error {
	format := map[string]string{"yuvj420p": "I420", "yuvj422p": "Y42B"}[c.pixels]
	pipeline := fmt.Sprintf("fdsrc ! rawvideoparse format=y444 width=%d height=%d framerate=%d/1 ! videoconvert ! video/x-raw,format=%s"+
		" ! jpegenc quality=92 ! image/jpeg ! matroskamux ! filesink location=%s", c.width, c.height, rate, format, c.path)
	return command(images, "gst-launch-1.0", append([]string{"-q"}, strings.Fields(pipeline)...)...)
}

// drawing is an io.Reader of a scene's images.
type drawing struct {
	scene *scene
	next  number
	left  int
	rest  []byte
}

func (d *drawing) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		if d.left == 0 {
			return 0, io.EOF
		}
		d.rest = d.scene.draw(d.next)
		d.next.index++
		d.left--
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (c *clip) decode() error {
	raw := strings.TrimSuffix(c.path, ".mkv") + ".bgr"
	err := ffmpeg(nil, "-xerror", "-i", c.path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "bgr24", "-y", raw)
	if err == nil {
		c.decoded, err = os.Open(raw)
	}
	return err
}

// verify checks the reference itself: every image is there, under its number,
// and none could pass for one of those before it.
func (c *clip) verify() error {
	for i := range c.images {
		n := number{c.id, uint16(i)}
		image, err := c.reference(n.index)
		if err != nil {
			return fmt.Errorf("image %v: %w", n, err)
		}
		if got, err := read(image, c.width, c.height); err != nil || got != n {
			return fmt.Errorf("image %v is read as %v: %w", n, got, err)
		}
	}
	return nil
}

// ffmpeg runs the program to its end.
func ffmpeg(stdin io.Reader, arguments ...string) error {
	return command(stdin, "ffmpeg", append([]string{"-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1"}, arguments...)...)
}

func command(stdin io.Reader, name string, arguments ...string) error {
	var stderr bytes.Buffer
	c := exec.Command(name, arguments...)
	c.Stdin, c.Stderr = stdin, &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s: make deps-test installs it", name, strings.Join(arguments, " "), err, stderr.String())
	}
	return nil
}
