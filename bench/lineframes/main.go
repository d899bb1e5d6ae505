// Command lineframes writes pictures of the simulated line to a folder: good
// ones to train and calibrate on, or a contact sheet for the documentation.
//
//	go run ./bench/lineframes -seed 77 -n 400 -out /tmp/good
//	go run ./bench/lineframes -sheet docs/images/line.jpg
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"faird/camera/line"

	"gocv.io/x/gocv"
)

func main() {
	seed := flag.Uint64("seed", 77, "of the line")
	n := flag.Int("n", 400, "frames")
	size := flag.Int("size", 640, "side in pixels")
	defects := flag.Float64("defects", 0, "share of frames with a defect; its kind becomes part of the file's name")
	out := flag.String("out", "", "folder for the frames")
	sheet := flag.String("sheet", "", "contact sheet to write instead (PNG or JPEG)")
	flag.Parse()
	var err error
	switch {
	case *sheet != "":
		err = writeSheet(*sheet, *seed)
	case *out != "":
		err = writeFrames(*out, line.Options{Seed: *seed, Defects: *defects, Size: *size}, *n)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lineframes:", err)
		os.Exit(1)
	}
}

func writeFrames(dir string, o line.Options, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	l := line.New(o)
	defer l.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	for i := range n {
		truth := l.Render(uint64(i), &frame)
		name := fmt.Sprintf("%05d.png", i)
		if truth.Defective {
			name = fmt.Sprintf("%05d-%s.png", i, truth.Kind)
		}
		if path := filepath.Join(dir, name); !gocv.IMWrite(path, frame) {
			return fmt.Errorf("write %s: is the disk full?", path)
		}
	}
	return nil
}
