// Package integrity holds the proof that a camera hands out complete, current
// images only. It consists of tests alone.
//
// Numbered images are encoded and decoded once by ffmpeg, then streamed by real
// servers through proxies that damage the stream. Every image that the camera
// hands out as good is compared with ffmpeg's loss-free decode of that number.
// Only the public API of package camera is used, so the same proof runs against
// any implementation of it.
package integrity

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	picturesFlag = flag.Int("pictures", 0, "images to stream in all; 0 streams the short plan")
	ratesFlag    = flag.String("rates", "0.01,0.1,1,10", "percent of the datagrams that the long plan damages")
	seedFlag     = flag.Uint64("seed", 0, "seed of the damage; 0 picks one")
	alteredFlag  = flag.Bool("altered", false, "measure what becomes of packets that were altered and have valid checksums")
)

// patience bounds every wait. Reaching it is a failure, never a measurement.
const patience = time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	if given := flag.Lookup("test.parallel"); given.Value.String() == given.DefValue {
		_ = flag.Set("test.parallel", "4") // scenarios mostly wait for the next image
	}
	if *seedFlag == 0 {
		*seedFlag = rand.Uint64N(1_000_000) + 1
	}
	status := m.Run()
	library.close()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// source of randomness for one purpose, so that what one scenario does never
// depends on the others.
func random(purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(*seedFlag, h.Sum64()))
}
