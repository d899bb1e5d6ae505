package camera

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/camera/gst"
	"faird/config"

	"gocv.io/x/gocv"
)

func needGStreamer(t *testing.T) {
	t.Helper()
	if err := gst.Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
}

func TestGStreamer(t *testing.T) {
	needGStreamer(t)
	for name, pipeline := range map[string]string{
		"bgr":     "videotestsrc is-live=true ! video/x-raw,format=BGR,width=320,height=240,framerate=50/1",
		"grey":    "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=320,height=240,framerate=50/1",
		"yuv":     "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=50/1",
		"padded":  "videotestsrc is-live=true ! video/x-raw,format=GRAY16_LE,width=320,height=240,framerate=50/1 ! appsink drop=true",
		"odd rgb": "videotestsrc is-live=true ! video/x-raw,format=RGB,width=320,height=240,framerate=50/1 ! appsink drop=1 max-buffers=1",
		"own":     "videotestsrc is-live=true ! video/x-raw,format=BGR,width=320,height=240,framerate=50/1 ! appsink drop=true max-buffers=1 sync=false",
		"latency": "?latency=10ms videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=50/1",
	} {
		t.Run(name, func(t *testing.T) {
			cam := start(t, "gstreamer:"+pipeline, config.Camera{})
			f := next(t, cam, time.Time{})
			f.Release()
			f = next(t, cam, time.Now())
			defer f.Release()
			if f.Picture.Cols() != 320 || f.Picture.Rows() != 240 || f.Picture.Type() != gocv.MatTypeCV8UC3 {
				t.Errorf("%dx%d type %v", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Type())
			}
		})
	}
}

func TestGStreamerEndsAndIsReopened(t *testing.T) {
	needGStreamer(t)
	cam := start(t, "gstreamer:videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48", config.Camera{})
	eventually(t, cam, "reopened", func(s Status) bool { return s.Reopened >= 2 })
}

func TestWrongPipelines(t *testing.T) {
	needGStreamer(t)
	for pipeline, want := range map[string]string{
		"nosuchelement location=rtsp://u:hunter2@cam":                `"nosuchelement"`,
		"videotestsrc ! video/x-raw,format=BGR ! jpegdeck":           `"jpegdeck"`,
		"filesrc location=/nowhere/at/all":                           "gst-launch-1.0",
		"videotestsrc is-live=true pattrn=hunter2":                   `"pattrn"`,
		"videotestsrc ! video/x-raw,format=I420 ! appsink drop=true": "I420",
		"rtspsrc location=rtsp://u:hunter2@127.0.0.1:1/ ! decodebin": "Failed to connect",
	} {
		cam := start(t, "gstreamer:"+pipeline, config.Camera{})
		st := eventually(t, cam, "refused "+pipeline, func(s Status) bool { return strings.Contains(s.Err, want) })
		if strings.Contains(st.Err, "hunter2") || st.Abandoned != 0 {
			t.Errorf("%+v", st)
		}
	}
}

// Rows that GStreamer made longer than their pixels, which videotestsrc's odd
// widths are.
func TestPaddedRows(t *testing.T) {
	needGStreamer(t)
	for _, format := range []string{"BGR", "GRAY8", "GRAY16_LE", "BGRx"} {
		cam := start(t, "gstreamer:videotestsrc is-live=true foreground-color=0xff0a141e pattern=solid-color ! video/x-raw,format="+
			format+",width=321,height=7,framerate=50/1 ! appsink drop=true max-buffers=1 sync=false", config.Camera{})
		f := next(t, cam, time.Time{})
		first, last := f.Picture.GetVecbAt(0, 0), f.Picture.GetVecbAt(6, 320)
		if f.Picture.Cols() != 321 || f.Picture.Rows() != 7 || fmt.Sprint(first) != fmt.Sprint(last) || last[0] == 0 {
			t.Errorf("%s: %dx%d, first pixel %v, last %v", format, f.Picture.Cols(), f.Picture.Rows(), first, last)
		}
		if colour := format[0] == 'B'; colour && (last[0] != 0x1e || last[1] != 0x14 || last[2] != 0x0a) {
			t.Errorf("%s: BGR %v", format, last)
		}
		f.Release()
	}
}

// Bytes after the last row, with which drivers fill up their buffers, do not move
// the rows; too few are an error.
func TestRowsOfASample(t *testing.T) {
	const width, height = 5, 4
	x := newPixels()
	defer x.close()
	for format, size := range map[string]int{"GRAY8": 1, "BGR": 3, "GRAY16_LE": 2, "BGRx": 4} {
		packed := width * size
		padded := (packed + 3) / 4 * 4
		for n, want := range map[int]bool{
			padded * height: true, padded*height + 9: true, padded*height + 4*height: true, packed * height: true,
			packed*height - 1: false, (packed - 1) * height: false,
		} {
			row := padded
			if n == packed*height {
				row = packed
			}
			data := make([]byte, n)
			for y := range height {
				for i := y * row; i < min(n, y*row+packed); i++ {
					data[i] = byte(10 * (y + 1))
				}
			}
			dst := gocv.NewMat()
			err := x.convertSample(gst.Picture{Pixels: data, Width: width, Height: height, Format: format}, &dst)
			if (err == nil) != want {
				t.Errorf("%s, %d bytes: %v", format, n, err)
			}
			for y := 0; y < height && err == nil; y++ {
				if a, b := dst.GetVecbAt(y, 0), dst.GetVecbAt(y, width-1); a[0] != byte(10*(y+1)) || a[0] != b[0] {
					t.Errorf("%s, %d bytes: row %d is %v to %v", format, n, y, a, b)
				}
			}
			_ = dst.Close()
		}
	}
}

// videorate fills gaps with the image before, and marks it.
func TestGapsFilledByThePipelineAreNotNewImages(t *testing.T) {
	needGStreamer(t)
	cam := start(t, "gstreamer:videotestsrc is-live=true ! video/x-raw,format=BGR,width=64,height=48,framerate=5/1 ! videorate ! video/x-raw,framerate=50/1 ! appsink drop=true max-buffers=1 sync=false", config.Camera{})
	eventually(t, cam, "told apart", func(s Status) bool { return s.Faults.Repeated > 10 && s.Frames > s.Faults.Repeated })
}

func TestPipelineWhoseImagesChangeTheirSize(t *testing.T) {
	needGStreamer(t)
	dir := t.TempDir()
	for n, rows := range []int{48, 48, 48, 96} {
		if !gocv.IMWrite(filepath.Join(dir, fmt.Sprintf("%d.png", n)), grey(t, rows, 64, uint8(40*n))) {
			t.Fatal("an image was not written")
		}
	}
	cam := start(t, `gstreamer:multifilesrc location="`+dir+`/%d.png" loop=true start-index=0 stop-index=3 caps=image/png,framerate=20/1 ! pngdec`, config.Camera{})
	st := eventually(t, cam, "reopened", func(s Status) bool { return s.Faults.FormChanged > 0 && s.Reopened > 0 && s.Connected })
	if st.Abandoned != 0 {
		t.Errorf("%+v", st)
	}
}
