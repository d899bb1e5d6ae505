package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"faird/camera"
	"faird/config"
	"faird/publish"
	"faird/verdict"
	"faird/web/training"
)

const (
	windowLong  = time.Second            // with and without the training in turn
	windowQuiet = 100 * time.Millisecond // not counted, after each change
)

// BenchmarkBesideTraining is a line that judges as fast as it can, with the demo's
// model on every thread, beside a training from the page, with its own priority and
// for real: the same daemon and the same training, which is told in turn that there
// is no time to spare and what the box says of that (one window of each for every
// iteration), so that a machine that is busy with something else is as busy in
// both. slower% is what the line loses.
//
// A step of the page's training takes seconds of a core, of which such a line leaves
// little: no window sees one end. training-core% is the processor time that
// the training had in its windows, of one core; training-steps/s is that by what a
// step takes on a line that stands still (step-core-s). At the end it waits until
// a step is made beside the line: step-beside-s is how long that took, windows
// without the training not counted. Give it -benchtime 20x.
func BenchmarkBesideTraining(b *testing.B) {
	b.Setenv(asFaird, "1") // for the process that trains: it is this program
	b.Setenv("FAIRD_INFER_LIBRARY", filepath.Join("..", "..", ".deps", "lib", "libonnxruntime.so.1"))
	m := &rates{b: b}
	c := trainingConfig(b)
	failed := make(chan error, 1)
	err := runDaemon(b.Context(), c, nil, hooks{observe: m.observe, ready: func(d *daemon, stop context.CancelFunc) {
		go func() {
			defer stop()
			failed <- m.measure(d)
		}()
	}})
	if err != nil {
		b.Fatal(err)
	}
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	m.report()
}

// trainingConfig is one station whose camera gives pictures faster than they can
// be judged, all of which pass and are kept.
func trainingConfig(b *testing.B) *config.Config {
	b.Helper()
	c := config.Default()
	c.Site, c.Box, c.Log.Level = "bench", "box1", "error"
	c.Infer.Provider = "cpu"
	c.Store.Path = b.TempDir()
	c.Archive.Sample, c.Archive.MinFree = 0, 0
	listen, err := freeAddress("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	c.MQTT.Builtin.Listen, c.Web.Listen = listen, "127.0.0.1:0"
	s := config.DefaultStation()
	s.Name, s.Model = "cap", config.DemoModel
	s.Camera.URL = fmt.Sprintf("file://%s?loop=true&rate=1000", benchFolder(b, 1000))
	threshold := 1e6
	s.Threshold = &threshold
	c.Stations = []config.Station{s}
	return &c
}

// rates are the line's, in windows with and without the training.
type rates struct {
	b *testing.B

	mu     sync.Mutex
	beside bool
	counts bool
	took   [2][]time.Duration // of judging, without and with
	length [2]time.Duration
	parts  []float64 // of each pair of windows: with by without

	step      time.Duration // of a core, for one step of the training
	trained   time.Duration // of a core, in all windows
	wholeStep time.Duration // from the first window on, those without it left out

	gate gate
}

// gate is what stands between the box's time to spare and the training.
type gate struct {
	mu    sync.Mutex
	spare bool
	shut  bool
	tell  func(spare bool)
}

// between hands on what spare says while the gate is open.
func (g *gate) between(spare func(context.Context, func(bool))) func(context.Context, func(bool)) {
	return func(ctx context.Context, each func(bool)) {
		g.mu.Lock()
		g.tell = each
		g.mu.Unlock()
		spare(ctx, func(now bool) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.spare = now; !g.shut {
				each(now)
			}
		})
	}
}

func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = !open
	g.tell(open && g.spare)
}

func (m *rates) observe(v *verdict.Verdict, _ *camera.Frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts && v.Score != nil {
		s := v.StagesMS
		m.took[which(m.beside)] = append(m.took[which(m.beside)], time.Duration((s.Prepare+s.Restore+s.Score)*float64(time.Millisecond)))
	}
}

func which(beside bool) int {
	if beside {
		return 1
	}
	return 0
}

// measure begins a training and has windows pass.
func (m *rates) measure(d *daemon) error {
	trainer := d.page.trainer
	trainer.Spare = m.gate.between(trainer.Spare)
	if _, err := trainer.Start(training.Order{Station: "cap", Source: training.LivePassed, Pictures: 20, Minutes: 60}, "bench"); err != nil {
		return err
	}
	pid, err := m.underWay(d)
	if err != nil {
		return err
	}
	begun, began := trainer.Job().Progress.Step, time.Now()
	for m.b.Loop() {
		without := m.window(pid, false)
		with := m.window(pid, true)
		m.parts = append(m.parts, with/without)
	}
	m.gate.set(true)
	if err := m.until(d, "a step beside the line", func(job *training.Job) bool { return job.Progress.Step > begun }); err != nil {
		return err
	}
	m.wholeStep = time.Since(began) - m.length[0]
	return trainer.Cancel()
}

// stepsAlone are made on a line that stands still, to know what one takes.
const stepsAlone = 2

// underWay waits until the training makes steps, and gives its process; it gets
// there on a line that stands still, once it has its pictures.
func (m *rates) underWay(d *daemon) (pid int, err error) {
	if err := m.until(d, "pictures", func(job *training.Job) bool { return job.Phase == training.Training }); err != nil {
		return 0, err
	}
	m.line(d, publish.CommandPause)
	if err := m.until(d, "its first step", func(job *training.Job) bool { return job.Progress.Step > 0 }); err != nil {
		return 0, err
	}
	pid = m.child()
	from, before := d.page.trainer.Job().Progress.Step, m.spent(pid)
	if err := m.until(d, "steps", func(job *training.Job) bool { return job.Progress.Step >= from+stepsAlone }); err != nil {
		return 0, err
	}
	m.step = (m.spent(pid) - before) / time.Duration(d.page.trainer.Job().Progress.Step-from)
	m.line(d, publish.CommandResume)
	return pid, nil
}

// until waits for something that the training gets to.
func (m *rates) until(d *daemon, what string, there func(*training.Job) bool) error {
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		job := d.page.trainer.Job()
		if job.Phase.Ended() {
			break
		}
		if there(job) {
			return nil
		}
	}
	return fmt.Errorf("the training does not get to %s: %+v", what, d.page.trainer.Job())
}

func (m *rates) line(d *daemon, command string) {
	if r := d.box.Command(m.b.Context(), "cap", publish.Command{Command: command}); !r.OK {
		m.b.Error(r.Error)
	}
}

// window gives the line's rate with or without the training.
func (m *rates) window(pid int, beside bool) float64 {
	m.gate.set(beside)
	time.Sleep(windowQuiet)
	before, trained := m.set(beside, true), m.spent(pid)
	began := time.Now()
	time.Sleep(windowLong)
	after := m.set(beside, false)
	m.trained += m.spent(pid) - trained
	long := time.Since(began)
	m.length[which(beside)] += long
	return float64(after-before) / long.Seconds()
}

// set begins or ends a window and gives how many were judged in its kind.
func (m *rates) set(beside, counts bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beside, m.counts = beside, counts
	return len(m.took[which(beside)])
}

// child is the process that trains: this one's only child.
func (m *rates) child() int {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	m.b.Error("no process trains")
	return 0
}

// spent is the processor time that a process has had; the kernel counts in ticks
// of 10 ms.
func (m *rates) spent(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		m.b.Error(err)
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	ticks := 0
	for _, field := range strings.Fields(rest)[11:13] { // utime and stime of proc(5)
		n, err := strconv.Atoi(field)
		if err != nil {
			m.b.Error(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func (m *rates) report() {
	for i, name := range []string{"without", "with"} {
		took := m.took[i]
		if len(took) == 0 {
			m.b.Fatalf("nothing was judged %s the training", name)
		}
		slices.Sort(took)
		m.b.ReportMetric(float64(len(took))/m.length[i].Seconds(), name+"/s")
		m.b.ReportMetric(verdict.Millis(took[(len(took)*99+99)/100-1]), name+"-p99-ms")
	}
	slices.Sort(m.parts)
	without, with := float64(len(m.took[0]))/m.length[0].Seconds(), float64(len(m.took[1]))/m.length[1].Seconds()
	m.b.ReportMetric(100*(1-with/without), "slower%")
	m.b.ReportMetric(100*(1-m.parts[len(m.parts)/2]), "slower-median%")
	share := m.trained.Seconds() / m.length[1].Seconds()
	m.b.ReportMetric(100*share, "training-core%")
	m.b.ReportMetric(share/m.step.Seconds(), "training-steps/s")
	m.b.ReportMetric(m.step.Seconds(), "step-core-s")
	m.b.ReportMetric(m.wholeStep.Seconds(), "step-beside-s")
	m.b.ReportMetric(0, "ns/op") // the windows' length, not a result
}
