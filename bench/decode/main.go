// Decode compares what decoding a video costs through package camera/libav and
// through OpenCV's VideoCapture: processor and wall time of whole passes over a
// file, in turn within one process. It prints the median of each and the median
// of the ratios of neighbouring passes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"faird/camera/libav"

	"gocv.io/x/gocv"
)

func main() {
	rounds := flag.Int("rounds", 7, "passes over each file with each decoder")
	threads := flag.Int("threads", min(runtime.NumCPU(), 8), "threads of libav; OpenCV takes one for each processor")
	only := flag.String("only", "", "opencv or libav: one of them alone, for a profile")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "name video files, for example: go run ./bench/decode line.mp4")
		os.Exit(2)
	}
	for _, path := range flag.Args() {
		if err := compare(path, *rounds, *threads, *only); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// cost of one pass.
type cost struct {
	cpu, wall time.Duration
	pictures  int
}

func compare(path string, rounds, threads int, only string) error {
	var opencv, own []cost
	for i := range rounds + 1 { // the first is a warm-up
		for _, d := range []struct {
			name string
			pass func() (int, error)
			out  *[]cost
		}{
			{"opencv", func() (int, error) { return throughOpenCV(path) }, &opencv},
			{"libav", func() (int, error) { return throughLibav(path, threads) }, &own},
		} {
			if only != "" && d.name != only {
				continue
			}
			c, err := measure(d.pass)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			if i > 0 {
				*d.out = append(*d.out, c)
			}
		}
	}
	fmt.Println(path)
	report("opencv", opencv)
	report("libav", own)
	if only == "" {
		fmt.Printf("  ratio   cpu %.3f   wall %.3f\n", ratio(own, opencv, cpu), ratio(own, opencv, wall))
	}
	return nil
}

func measure(pass func() (int, error)) (c cost, err error) {
	before, start := used(), time.Now()
	c.pictures, err = pass()
	c.cpu, c.wall = used()-before, time.Since(start)
	return c, err
}

func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func throughOpenCV(path string) (n int, err error) {
	v, err := gocv.VideoCaptureFileWithAPI(path, gocv.VideoCaptureFFmpeg)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	m := gocv.NewMat()
	defer m.Close()
	for v.Read(&m) {
		n++
	}
	return n, nil
}

func throughLibav(path string, threads int) (n int, err error) {
	ctx := context.Background()
	r, err := libav.Open(ctx, path, libav.Options{Threads: threads})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	m := gocv.NewMat()
	defer m.Close()
	for {
		switch _, err := r.Read(ctx, &m); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
		n++
	}
}

func cpu(c cost) time.Duration  { return c.cpu }
func wall(c cost) time.Duration { return c.wall }

func report(name string, costs []cost) {
	if len(costs) == 0 {
		return
	}
	n := time.Duration(costs[0].pictures)
	fmt.Printf("  %-7s cpu %v   wall %v   a picture, of %d\n", name, median(costs, cpu)/n, median(costs, wall)/n, n)
}

func median(costs []cost, of func(cost) time.Duration) time.Duration {
	var d []time.Duration
	for _, c := range costs {
		d = append(d, of(c))
	}
	slices.Sort(d)
	return d[len(d)/2]
}

func ratio(a, b []cost, of func(cost) time.Duration) float64 {
	var r []float64
	for i := range a {
		r = append(r, float64(of(a[i]))/float64(of(b[i])))
	}
	slices.Sort(r)
	return r[len(r)/2]
}
