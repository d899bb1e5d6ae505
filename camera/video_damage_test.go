package camera

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/config"
	"faird/verdict"
)

// encodeVideo makes pictures with numbers, eight to a group, through ffmpeg.
func encodeVideo(t *testing.T, name, size string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is not installed: run make deps-test")
	}
	path := filepath.Join(t.TempDir(), name)
	all := append([]string{
		"-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=rate=25:size=" + size, "-frames:v", "24",
		"-c:v", "libx264", "-g", "8", "-pix_fmt", "yuv420p", "-tune", "zerolatency", "-x264-params", "slices=1:sliced-threads=0",
	}, args...)
	if out, err := exec.Command(program, append(all, path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// cutSlice leaves 5% of the slice of one picture of an H.264 file.
func cutSlice(t *testing.T, path string, picture int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for nal := range bytes.SplitSeq(data, []byte{0, 0, 1}) {
		if len(nal) > 0 && (nal[0]&31 == 1 || nal[0]&31 == 5) {
			if picture == 0 {
				nal = nal[:len(nal)/20]
			}
			picture--
		}
		out = append(append(out, nal...), 0, 0, 1)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A damaged picture is a frame that says so, and so are those built on it: counts
// match, and nothing is concealed with the part before.
func TestDamagedVideo(t *testing.T) {
	path := encodeVideo(t, "line.h264", "192x144")
	cutSlice(t, path, 10)
	cam := start(t, "video://"+path, config.Camera{})
	for i := range 24 {
		f := next(t, cam, time.Now())
		damaged := i >= 10 && i < 16
		if (f.Err != nil) != damaged || f.Picture.Empty() != damaged || f.Sequence != uint64(i+1) {
			t.Errorf("picture %d, sequence %d, empty %v: %v", i, f.Sequence, f.Picture.Empty(), f.Err)
		}
		if c := fault.Of(f.Err); damaged && (c != verdict.Damaged && c != verdict.Incomplete || !errors.Is(f.Err, ErrPicture)) {
			t.Errorf("fault %q: %v", c, f.Err)
		}
		f.Release()
	}
	_, err := cam.Next(short(t, patience), time.Time{})
	wantErr(t, err, io.EOF)
}

// In a file each picture has a size of its own.
func TestVideoThatChangesItsSize(t *testing.T) {
	var both []byte
	for _, size := range []string{"192x144", "320x240"} {
		data, err := os.ReadFile(encodeVideo(t, "a.ts", size))
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, data...)
	}
	path := filepath.Join(t.TempDir(), "both.ts")
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
	cam := start(t, "video://"+path, config.Camera{})
	sizes := map[int]int{}
	for range 48 {
		f := next(t, cam, time.Now())
		if f.Err == nil {
			sizes[f.Picture.Cols()]++
		}
		f.Release()
	}
	if sizes[192] < 22 || sizes[320] != 24 || len(sizes) != 2 {
		t.Errorf("pictures by width: %v", sizes)
	}
}

// A container without a rate is played at the pace of its pictures' times.
func TestLoopAtThePaceOfTimes(t *testing.T) {
	v := &videoFile{path: encodeVideo(t, "line.ts", "64x48"), loop: true}
	if err := v.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer v.close()
	f := newFrame(nil)
	defer f.free()
	for range 30 { // past the end, too
		if err := v.read(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if v.pacer.interval != 40*time.Millisecond {
		t.Errorf("an interval of %v for 25 pictures a second", v.pacer.interval)
	}
}
