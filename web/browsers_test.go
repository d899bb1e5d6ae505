package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"faird/camera"
	"faird/camera/line"
	"faird/inspect"
	"faird/publish"
	"faird/verdict"
)

const (
	benchTurn = 100 * time.Millisecond // of one iteration
	benchSide = 1000                   // pixels of a picture
	benchWait = 20 * time.Second       // for the last event to come
)

// BenchmarkBrowsers is browsers, in a process of their own, that follow two
// stations at five verdicts a second each, and eight at ten, thumbnails and all.
// p50 and p99 are from a verdict's decision (its commit) to the arrival of its
// event, whole, at a browser; missed are events that a browser was too slow for,
// pictures those thumbnails that it came for in time: without a core of their own
// the browsers are slow, and cost less than they should.
// cpu% is the box's processor time, of one core; cost% is how much more of it that
// is than without a browser. It is paced: -benchtime 100x are ten seconds each.
func BenchmarkBrowsers(b *testing.B) {
	part := benchPart(b)
	for _, l := range []benchLine{{stations: 2, rate: 5}, {stations: 8, rate: 10}} {
		none := 0.0
		for _, n := range []int{0, 1, 10} {
			b.Run(fmt.Sprintf("stations=%d/browsers=%d", l.stations, n), func(b *testing.B) {
				used := watched(b, l, part, n)
				b.ReportMetric(used, "cpu%")
				b.ReportMetric(0, "ns/op") // the pace, not a result
				if n == 0 {
					none = used
					return
				}
				b.ReportMetric(used-none, "cost%")
			})
		}
	}
}

// benchLine is how many stations judge, and how many verdicts a second each.
type benchLine struct{ stations, rate int }

// watched gives the processor time that n browsers and the verdicts take, in
// hundredths of a core.
func watched(b *testing.B, l benchLine, part gocv.Mat, n int) float64 {
	w := newWorld(b, nil)
	show, names := benchPictures(w, part), make([]string, l.stations)
	for i := range names {
		names[i] = fmt.Sprint("s", i)
		w.stations.change(names[i], func(st *publish.StationState) { st.Ready = true })
	}
	far := startBrowsers(b, w, n)
	decided := map[string]time.Duration{}
	turn := benchTurn / time.Duration(max(1, l.stations*l.rate*int(benchTurn)/int(time.Second)))
	tick := time.NewTicker(turn)
	defer tick.Stop()
	before, began := cpuTime(b), time.Now()
	for b.Loop() {
		for end := benchTurn; end > 0; end -= turn {
			<-tick.C
			w.sequence++
			v, key := benchVerdict(b, w, names[int(w.sequence)%len(names)])
			decided[v.ID] = monotonic(b)
			show(v, key)
		}
	}
	used := 100 * float64(cpuTime(b)-before) / float64(time.Since(began))
	if n > 0 {
		report(b, far.delays(decided, n), n*len(decided))
		b.ReportMetric(float64(far.pictures.Load())/float64(n)/time.Since(began).Seconds(), "pictures/s")
	}
	return used
}

// benchVerdict commits one.
func benchVerdict(b *testing.B, w *world, station string) (*verdict.Verdict, int64) {
	now := verdict.Time{Time: time.Now()}
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Station: station, Sequence: w.sequence,
		Verdict: verdict.Pass, Score: number(0.1), Regions: []verdict.Region{}, // without a threshold: no picture is kept
		Time: verdict.Times{Captured: now, Decided: now},
	}
	key, err := w.store.Commit(b.Context(), v)
	if err != nil {
		b.Fatal(err)
	}
	return v, key
}

// report gives the percentiles of what came of want.
func report(b *testing.B, took []time.Duration, want int) {
	if len(took) == 0 {
		b.Fatal("no event came")
	}
	slices.Sort(took)
	at := func(p int) float64 { return verdict.Millis(took[(len(took)*p+99)/100-1]) }
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	b.ReportMetric(100*float64(want-len(took))/float64(want), "%missed")
}

// benchPart is a picture of the simulated line.
func benchPart(b *testing.B) gocv.Mat {
	b.Helper()
	drawn := line.New(line.Options{Seed: 1, Size: benchSide})
	defer drawn.Close()
	part := gocv.NewMat()
	b.Cleanup(func() { part.Close() })
	drawn.Render(1, &part)
	return part
}

// benchPictures gives what shows a verdict with that picture.
func benchPictures(w *world, part gocv.Mat) func(*verdict.Verdict, int64) {
	const side = 128
	look := inspect.Look{W: side, H: side, Map: make([]float32, side*side), Restored: make([]float32, 3*side*side)}
	look.Field.Max.X, look.Field.Max.Y = benchSide, benchSide
	return func(v *verdict.Verdict, key int64) {
		w.gallery.Show(v, key, &camera.Frame{Picture: part}, func() *inspect.Look { return &look })
	}
}

// browsers are those of another process.
type browsers struct {
	b        *testing.B
	seen     chan arrival
	pictures atomic.Int64 // that came, of any verdict
}

// arrival is an event at a browser.
type arrival struct {
	id string
	at time.Duration // monotonic, the machine's
}

func startBrowsers(b *testing.B, w *world, n int) *browsers {
	b.Helper()
	far := &browsers{b: b, seen: make(chan arrival, 1<<16)}
	if n == 0 {
		return far
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", asBrowsers, n, w.url))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			id, text, _ := strings.Cut(lines.Text(), " ")
			if at, err := strconv.ParseInt(text, 10, 64); err == nil {
				far.seen <- arrival{id, time.Duration(at)}
			} else if id == gotPicture {
				far.pictures.Add(1)
			}
		}
	}()
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
	})
	w.until("all listen", func() bool { return w.server.Feed.listeners() == n })
	return far
}

// delays waits until every browser has every event, or no more come.
func (f *browsers) delays(decided map[string]time.Duration, n int) (took []time.Duration) {
	limit := time.After(benchWait)
	for len(took) < n*len(decided) {
		select {
		case a := <-f.seen:
			if from, known := decided[a.id]; known {
				took = append(took, a.at-from)
			}
		case <-limit:
			return took
		}
	}
	return took
}

// asBrowsers makes the test binary be so many browsers of the page at an address.
const asBrowsers = "TEST_AS_BROWSERS"

// gotPicture begins the line with which they tell of a picture.
const gotPicture = "picture"

func beBrowsers(order string) {
	count, url, _ := strings.Cut(order, " ")
	n, _ := strconv.Atoi(count)
	var all sync.WaitGroup
	var printing sync.Mutex
	for range n {
		one := &browser{world: &world{url: url}, client: &http.Client{Transport: &http.Transport{}}}
		all.Go(func() {
			one.follow(context.Background(), func(id string, at time.Duration) {
				printing.Lock()
				defer printing.Unlock()
				fmt.Println(id, int64(at))
			}, func(id string) {
				printing.Lock()
				defer printing.Unlock()
				fmt.Println(gotPicture, id)
			})
		})
	}
	all.Wait()
}

// follow says when each event has come, takes its thumbnail, and says of which it
// got one.
func (b *browser) follow(ctx context.Context, came func(id string, at time.Duration), got func(id string)) {
	events, err := b.fetch(ctx, "/api/events")
	if err != nil {
		return
	}
	defer events.Close()
	scanner := bufio.NewScanner(events)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		data, ok := strings.CutPrefix(scanner.Text(), "data: ")
		at := monotonic(nil)
		var e eventJSON
		if !ok || json.Unmarshal([]byte(data), &e) != nil || e.Verdict == nil {
			continue
		}
		if came(e.Verdict.ID, at); e.View == nil {
			continue
		}
		thumb, err := b.fetch(ctx, e.View.Thumb)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, thumb); n > 0 {
			got(e.Verdict.ID)
		}
		thumb.Close()
	}
}

func (b *browser) fetch(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", b.url+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// monotonic is the machine's clock that nobody sets, the same in all processes.
func monotonic(b *testing.B) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil && b != nil {
		b.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
