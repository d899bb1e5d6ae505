package libav

import (
	"fmt"
	"testing"
)

// Every picture of every codec and container comes once, in order, with the
// colours that ffmpeg gives it.
func TestReadsWhatFFmpegReads(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"b-frames.mp4", plainH264},
		{"b-frames.ts", plainH264},
		{"camera.mkv", cameraH264},
		{"slices.flv", sliceH264},
		{"open.h264", openH264},
		{"interlaced.ts", append([]string{"-flags", "+ilme+ildct"}, plainH264...)},
		{"b-frames.hevc", plainHEVC},
		{"closed.mp4", closedHEVC},
		{"ten.ts", append(plainHEVC[:2:2], "-pix_fmt", "yuv420p10", "-x265-params", "log-level=0")},
		{"odd.mp4", append([]string{"-vf", "scale=150:98"}, plainH264...)},
		{"odd444.mkv", []string{"-vf", "scale=149:97", "-c:v", "libx264", "-pix_fmt", "yuv444p"}},
		{"a.avi", []string{"-c:v", "mpeg4", "-bf", "2"}},
		{"a.mpg", []string{"-c:v", "mpeg2video", "-bf", "2"}},
		{"vp8.webm", []string{"-c:v", "libvpx"}},
		{"vp9.webm", []string{"-c:v", "libvpx-vp9"}},
		{"grey.mkv", []string{"-c:v", "ffv1", "-pix_fmt", "gray16le"}},
		{"huff.avi", []string{"-c:v", "huffyuv"}},
		{"raw.avi", []string{"-c:v", "rawvideo", "-pix_fmt", "bgr24"}},
		{"palette.avi", []string{"-c:v", "rawvideo", "-pix_fmt", "pal8"}},
		{"prores.mov", []string{"-c:v", "prores"}},
		{"png.mov", []string{"-c:v", "png"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := encode(t, c.name, append([]string{"-frames:v", "12"}, c.args...)...)
			want := reference(t, path)
			for _, threads := range []int{1, 3} {
				got := readAll(t, path, Options{Threads: threads})
				if len(got) != len(want) || len(got) != 12 {
					t.Fatalf("%d pictures with %d threads, ffmpeg reads %d of 12", len(got), threads, len(want))
				}
				for i, a := range got {
					if a.err != nil || fmt.Sprintf("%x", a.digest) != want[i] {
						t.Errorf("picture %d with %d threads is another than ffmpeg's (%v): %v", i, threads, a.form, a.err)
					}
				}
			}
		})
	}
}
