package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/config"
	"faird/model"
	"faird/model/demo"
	"faird/pipeline/gallery"
	"faird/store"
	"faird/verdict"
)

// asFaird makes the test binary be what a manager starts.
const asFaird = "TEST_AS_FAIRD"

func TestMain(m *testing.M) {
	if how := os.Getenv(asFaird); how != "" {
		beFaird(how, os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}

// beFaird answers as faird does: train makes a file, replay gives scores.
func beFaird(how string, args []string) {
	flag := func(name string) string { return args[slices.Index(args, name)+1] }
	switch {
	case how == "spins":
		for n := 0; ; n++ {
			_ = n
		}
	case args[0] == "train" && how == "fails":
		fmt.Fprintln(os.Stderr, "faird: the pictures are all alike")
		os.Exit(1)
	case args[0] == "train" && how == "stays":
		_ = os.WriteFile(flag("--checkpoint"), nil, 0o600)
		fmt.Fprintln(os.Stderr, `{"progress":{"stage":"training","part":0.5,"step":6}}`)
		time.Sleep(time.Hour)
	case args[0] == "train":
		pictures, _ := filepath.Glob(filepath.Join(flag("--good"), "*.png"))
		fmt.Fprintln(os.Stderr, strings.Join(args, " "))
		_ = os.WriteFile(flag("--out"), []byte("a model"), 0o600)
		fmt.Printf(`{"model":"sha256:cc","threshold":0.3,"pictures":%d,"parts":9,"steps":12}`, len(pictures))
	default:
		replay(flag("--archive"), strings.HasSuffix(flag("--model"), "onnx"))
	}
}

// replay gives the new model scores that part good from defective, and the one
// in use none that do.
func replay(archive string, trained bool) {
	var all []map[string]any
	_ = store.WalkArchive(archive, func(k store.Kept) error {
		score, threshold := 0.5, 0.5
		if trained {
			score, threshold = *k.Verdict.Score/2, 0.3
		}
		all = append(all, map[string]any{"id": k.ID, "new_score": score, "new_threshold": threshold})
		return nil
	})
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"flipped": all})
}

// world is a manager with a store and an archive.
type world struct {
	*Manager
	t        *testing.T
	live     func(n int) // what comes when pictures are asked for
	provider string      // that the station judges on
}

func newWorld(t *testing.T, how string) *world {
	t.Helper()
	t.Setenv(asFaird, how)
	dir := t.TempDir()
	conf := config.Default().Store
	conf.Path = dir
	s, err := store.Open(conf, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Archive(config.Archive{MaxBytes: 1e8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(a.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, provider: "cpu"}
	w.Manager = New(Settings{
		Folder: dir, Program: []string{os.Args[0]}, Store: s, Archive: a, Log: zerolog.Nop(),
		Cutter:  func() Cutter { return whole{} },
		Present: func(string) (Present, error) { return Present{File: config.DemoModel, Provider: w.provider}, nil },
		Collect: func(_ string, n int, _ bool) {
			if w.live != nil {
				w.live(n)
			}
		},
	})
	return w
}

// whole leaves pictures as they are.
type whole struct{}

func (whole) Cut(_ string, picture []byte, each func(string, int, []byte) error) error {
	return each("", 0, picture)
}
func (whole) Close() error { return nil }

// run works the manager until stop.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
}

// keep has the archive keep n verdicts, marked where truth is not "".
func (w *world) keep(n int, kind verdict.Kind, score float64, truth store.Truth) (ids []string) {
	w.t.Helper()
	for range n {
		now := verdict.Time{Time: time.Now()}
		limit := 0.5
		v := &verdict.Verdict{
			Schema: verdict.SchemaV1, ID: ulid.Make().String(), Station: "cap", Verdict: kind, Score: &score, Threshold: &limit,
			Regions: []verdict.Region{}, Time: verdict.Times{Captured: now, Decided: now},
		}
		key, err := w.Store.Commit(context.Background(), v)
		if err == nil {
			err = w.Archive.Put(context.Background(), store.Picture{ID: v.ID, Key: key, Station: "cap", Width: 8, Height: 8},
				v, map[string][]byte{gallery.Original.File(): []byte("a picture")})
		}
		if err == nil && truth != "" {
			err = w.Store.SetMark(context.Background(), store.Found{Key: key, Verdict: v}, store.Remark{Truth: truth, Kind: kind, Who: "anna", At: time.Now()})
		}
		if err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	return ids
}

func (w *world) until(what string, is func(*Job) bool) *Job {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if j := w.Job(); j != nil && is(j) {
			return j
		}
	}
	w.t.Fatalf("%s: not within two minutes; the job is %+v", what, w.Job())
	return nil
}

func (w *world) start(o Order) {
	w.t.Helper()
	if _, err := w.Start(o, "anna"); err != nil {
		w.t.Fatal(err)
	}
}

func out(ids []string) (n int) {
	for _, id := range ids {
		h := fnv.New32a()
		_, _ = h.Write([]byte(id))
		if h.Sum32()%4 == 0 {
			n++
		}
	}
	return n
}

// From marks to a model that is held beside the one in use, and what it was
// trained on is not what it is compared by.
func TestFromMarksToModel(t *testing.T) {
	w := newWorld(t, "works")
	good := w.keep(40, verdict.Pass, 0.2, store.Good)
	w.keep(5, verdict.Fail, 0.9, store.Defect)
	w.keep(3, verdict.Pass, 0.2, "") // nobody said that they are good
	defer w.run()()
	w.start(Order{Station: "cap", Source: Marked, Pictures: 100, Steps: 12, Width: 8, Size: "48x32"})
	j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() })
	held := out(good)
	if j.Phase != Done || j.Error != "" || j.Gathered != 40-held || j.Result.Pictures != 40-held || j.Priority != low || j.Ended.IsZero() {
		t.Fatalf("%+v", j)
	}
	if text, err := os.ReadFile(j.Result.File); err != nil || string(text) != "a model" || filepath.Dir(j.Result.File) != w.Models() {
		t.Errorf("%s: %q, %v", j.Result.File, text, err)
	}
	c := j.Comparison
	if c.Good != held || c.Defect != 5 || len(c.Pictures) != held+5 {
		t.Fatalf("%d held out: %+v", held, c)
	}
	if *c.Present.ImageAUROC != 0.5 || *c.Trained.ImageAUROC != 1 || *c.Trained.Threshold != 0.3 || c.Present.FalseReject.Count != held ||
		c.Trained.FalseReject.Count != 0 || c.Trained.SlipThrough.Of != 5 {
		t.Errorf("present %+v, trained %+v", c.Present, c.Trained)
	}
	if len(j.Log) != 1 || !strings.Contains(j.Log[0], "--steps 12") || !strings.Contains(j.Log[0], "--size 48x32") || !strings.Contains(j.Log[0], "--precision auto") {
		t.Errorf("log %q", j.Log)
	}
	left, err := os.ReadDir(w.dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A box that judges on a GPU gets a model that runs there.
func TestModelForAGPU(t *testing.T) {
	w := newWorld(t, "works")
	w.provider = "cuda"
	w.keep(30, verdict.Pass, 0.2, "")
	defer w.run()()
	w.start(Order{Station: "cap", Source: Passes, Pictures: 20, Steps: 12, Width: 8, Size: "48x32"})
	j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() })
	if j.Phase != Done || len(j.Log) != 1 || !strings.Contains(j.Log[0], "--precision float32") {
		t.Errorf("%+v", j)
	}
}

func TestPassesNobodyMarked(t *testing.T) {
	w := newWorld(t, "works")
	w.keep(60, verdict.Pass, 0.2, "")
	w.keep(5, verdict.Fail, 0.9, "")
	defer w.run()()
	w.start(Order{Station: "cap", Source: Passes, Pictures: 20, Steps: 12, Width: 8})
	j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() })
	file, err := model.Parse(demo.Model()) // the station's
	if err != nil {
		t.Fatal(err)
	}
	size := fmt.Sprintf("%dx%d", file.Width, file.Height)
	if j.Phase != Done || j.Result.Pictures != 20 || j.Size != size || j.Comparison == nil || len(j.Comparison.Pictures) != 0 {
		t.Errorf("%+v", j)
	}
}

func TestLivePictures(t *testing.T) {
	for _, source := range []Source{LivePassed, LiveAny} {
		t.Run(string(source), func(t *testing.T) {
			w := newWorld(t, "works")
			before := w.keep(30, verdict.Pass, 0.2, "")
			var ids []string
			w.live = func(n int) {
				if n > 0 {
					ids = append(ids, w.keep(3, verdict.Pass, 0.2, "")...)
					w.keep(1, verdict.Fail, 0.9, "")
				}
			}
			defer w.run()()
			w.start(Order{Station: "cap", Source: source, Pictures: 12, Steps: 12, Width: 8})
			j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() })
			if j.Phase != Done || j.Gathered != 12 || j.Result.Pictures != 12 || len(before) != 30 {
				t.Errorf("%+v of %d that came", j, len(ids))
			}
			if source == LivePassed && len(ids)-out(ids) < 12 {
				t.Errorf("trained on others than the %d that came", len(ids))
			}
		})
	}
}

func TestOrdersThatCannotBeTaken(t *testing.T) {
	w := newWorld(t, "works")
	for name, o := range map[string]Order{
		"no source":     {Station: "cap"},
		"few pictures":  {Station: "cap", Source: Marked, Pictures: 9},
		"many pictures": {Station: "cap", Source: Marked, Pictures: 5001},
		"both":          {Station: "cap", Source: Marked, Minutes: 1, Steps: 1},
		"for ever":      {Station: "cap", Source: Marked, Minutes: 1e9},
		"too wide":      {Station: "cap", Source: Marked, Width: 65},
		"a flag":        {Station: "cap", Source: Marked, Size: "--out=/etc"},
		"odd size":      {Station: "cap", Source: Marked, Size: "50x32"},
		"size and more": {Station: "cap", Source: Marked, Size: "48x32 "},
	} {
		if _, err := w.Start(o, "anna"); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.Manager.Present = func(string) (Present, error) { return Present{}, nil }
	if _, err := w.Start(Order{Station: "cap", Source: Marked}, "anna"); !errors.Is(err, ErrOrder) {
		t.Errorf("several regions: %v", err)
	}
	if err := w.Cancel(); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing to cancel: %v", err)
	}
	w.Archive = nil
	if _, err := w.Start(Order{Station: "cap", Source: Marked}, "anna"); !errors.Is(err, ErrOrder) || w.Job() != nil {
		t.Errorf("no archive: %v", err)
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	w := newWorld(t, "fails")
	defer w.run()()
	w.start(Order{Station: "cap", Source: Marked})
	if j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() }); j.Phase != Failed || !strings.Contains(j.Error, "too few") {
		t.Errorf("without pictures: %+v", j)
	}
	w.keep(40, verdict.Pass, 0.2, store.Good)
	w.start(Order{Station: "cap", Source: Marked})
	j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() })
	if j.Phase != Failed || j.Error != "the pictures are all alike" || j.Result != nil {
		t.Errorf("%+v", j)
	}
}

// A training goes on after a restart from its checkpoint, and can be cancelled;
// there is never a second one.
func TestRestartAndCancel(t *testing.T) {
	w := newWorld(t, "stays")
	w.keep(40, verdict.Pass, 0.2, store.Good)
	stop := w.run()
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	w.until("half of it", func(j *Job) bool { return j.Phase == Training && j.Progress.Part == 0.5 })
	if _, err := w.Start(Order{Station: "cap", Source: Marked}, "otto"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	stop()

	again := New(w.Settings)
	if j := again.Job(); j == nil || j.Phase != Training || j.Who != "anna" {
		t.Fatalf("after the restart: %+v", j)
	}
	w.Manager = again
	stop = w.run()
	w.until("half of it again", func(j *Job) bool { return j.Progress.Part == 0.5 })
	if err := w.Cancel(); err != nil {
		t.Fatal(err)
	}
	w.until("the end", func(j *Job) bool { return j.Phase == Cancelled })
	stop()
	if j := New(w.Settings).Job(); j.Phase != Cancelled || j.Ended.IsZero() {
		t.Errorf("on disk: %+v", j)
	}

	t.Setenv(asFaird, "works")
	w.Manager = New(w.Settings)
	stop = w.run()
	defer stop()
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	if j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() }); j.Phase != Done || strings.Contains(j.Log[0], "--resume") {
		t.Errorf("the next one goes on from the cancelled one's: %+v", j)
	}
}

func TestResumesFromTheCheckpoint(t *testing.T) {
	w := newWorld(t, "stays")
	w.keep(40, verdict.Pass, 0.2, store.Good)
	stop := w.run()
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	w.until("half of it", func(j *Job) bool { return j.Progress.Part == 0.5 })
	stop()
	t.Setenv(asFaird, "works")
	w.Manager = New(w.Settings)
	defer w.run()()
	if j := w.until("the end", func(j *Job) bool { return j.Phase.Ended() }); j.Phase != Done || !strings.Contains(j.Log[0], "--resume") || !strings.Contains(j.Log[0], "--time 1h0m0s") {
		t.Errorf("%+v", j)
	}
}

func TestWhatWasNotWrittenByFaird(t *testing.T) {
	w := newWorld(t, "works")
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if j := New(w.Settings).Job(); j != nil {
		t.Errorf("%+v", j)
	}
}
