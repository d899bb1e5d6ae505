package inspect_test

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
)

// resident is the process's resident memory in bytes.
func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// Memory after 20,000 pictures of a tiny network is within 10 MB of that after
// 2,000, the C memory of OpenCV and ONNX Runtime included.
func TestMemoryStaysFlat(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	pictures := []gocv.Mat{noisy(t, 300, 200), noisy(t, 200, 300)}
	var r inspect.Result
	judge := func(n int) int {
		for k := range n {
			if err := i.Inspect(context.Background(), pictures[k%2], at(0.01), &r); err != nil {
				t.Fatal(err)
			}
		}
		debug.FreeOSMemory()
		return resident(t)
	}
	early := judge(2000)
	late := judge(18000)
	t.Logf("%.1f MB after 2,000 pictures, %.1f MB after 20,000", float64(early)/1e6, float64(late)/1e6)
	if late-early > 10e6 {
		t.Errorf("memory grew by %.1f MB", float64(late-early)/1e6)
	}
}

// The same for pictures that are aligned, turned and cut into tiles.
func TestMemoryStaysFlatWithGeometry(t *testing.T) {
	align := reference(t)
	i := inspector(t, greyModel(t), inspect.Options{ROI: &config.Rect{X: 100, Y: 70, W: 120, H: 100}, Rotate: 4, Flip: "both", Tiles: &config.Tiles{}, Align: &align})
	pictures := []gocv.Mat{part(t, 0, 0), part(t, 9, -7)}
	var r inspect.Result
	judge := func(n int) int {
		for k := range n {
			if err := i.Inspect(context.Background(), pictures[k%2], at(0.01), &r); err != nil {
				t.Fatal(err)
			}
			if _, err := i.Look(pictures[k%2]); err != nil {
				t.Fatal(err)
			}
		}
		debug.FreeOSMemory()
		return resident(t)
	}
	early := judge(200)
	late := judge(800)
	t.Logf("%.1f MB after 200 pictures, %.1f MB after 1,000", float64(early)/1e6, float64(late)/1e6)
	if late-early > 10e6 {
		t.Errorf("memory grew by %.1f MB", float64(late-early)/1e6)
	}
}
