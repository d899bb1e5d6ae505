package infer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/model"
	"faird/model/unet"
)

// Whatever the split, all lanes at work fill the cores and do not exceed them.
func TestSplitsFitTheCores(t *testing.T) {
	for cores := 1; cores <= 33; cores++ {
		for _, s := range splits(cores) {
			if busy := s.Threads - 1 + s.Lanes; busy != cores {
				t.Errorf("%d cores, %+v: %d threads at work", cores, s, busy)
			}
		}
		for threads := 0; threads <= cores; threads++ {
			s := splitFor(threads, cores)
			if busy := s.Threads - 1 + s.Lanes; busy != cores || threads > 0 && s.Threads != threads {
				t.Errorf("%d cores, %d threads: %+v", cores, threads, s)
			}
			if w := s.weight(cores); w < 1 || w*s.Lanes > cores {
				t.Errorf("%d cores, %+v: weight %d", cores, s, w)
			}
		}
	}
	if s := splitFor(8, 4); s != (Split{8, 1}) || s.weight(4) != 4 {
		t.Errorf("more threads than cores: %+v", s)
	}
}

func TestBestOf(t *testing.T) {
	one, two, four := Split{4, 1}, Split{3, 2}, Split{1, 4}
	rates := func(a1, f1, a2, f2, a4, f4 float64) []Rate {
		return []Rate{{one, a1, f1}, {two, a2, f2}, {four, a4, f4}}
	}
	for name, c := range map[string]struct {
		rates    []Rate
		stations int
		want     Split
	}{
		"a station alone wants its picture soon":     {rates(30, 30, 25, 36, 10, 40), 1, one},
		"no station counts as one":                   {rates(30, 30, 25, 36, 10, 40), 0, one},
		"many want the most together":                {rates(30, 30, 25, 36, 10, 40), 4, four},
		"two cannot fill four lanes":                 {rates(30, 30, 25, 36, 10, 40), 2, two},
		"nearly as good and sooner":                  {rates(39, 39, 25, 36, 10, 40), 8, one},
		"more threads are slower":                    {rates(9, 9, 12, 14, 10, 13), 1, two},
		"the order of measuring does not matter":     {[]Rate{{four, 10, 40}, {one, 30, 30}}, 4, four},
		"a single split is the best there is of all": {[]Rate{{one, 5, 5}}, 3, one},
	} {
		if got := bestOf(c.rates, c.stations); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTuningsAreRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "splits.json")
	key := tuningKey{Model: "sha256:a", Processor: "EPYC 1", Cores: 4, Provider: "cpu", Library: "1.29.0"}
	rates := []Rate{{Split{4, 1}, 9, 9}, {Split{1, 4}, 3, 11}}
	if err := remember(path, key, rates); err != nil {
		t.Fatal(err)
	}
	if got, err := recall(path, key); err != nil || !slices.Equal(got, rates) {
		t.Fatalf("%v, %v", got, err)
	}
	for name, change := range map[string]func(*tuningKey){
		"model":     func(k *tuningKey) { k.Model = "sha256:b" },
		"processor": func(k *tuningKey) { k.Processor = "Xeon" },
		"cores":     func(k *tuningKey) { k.Cores = 8 },
		"provider":  func(k *tuningKey) { k.Provider = "cuda" },
		"library":   func(k *tuningKey) { k.Library = "1.30.0" },
	} {
		other := key
		change(&other)
		if got, err := recall(path, other); got != nil || err != nil {
			t.Errorf("another %s: %v, %v", name, got, err)
		}
	}
	for n := range tuningsMost + 5 {
		if err := remember(path, tuningKey{Model: strings.Repeat("x", n)}, rates); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := tunings(path); err != nil || len(all) != tuningsMost {
		t.Errorf("%d kept, %v", len(all), err)
	}
}

func TestDamagedTuningsAreNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "splits.json")
	key := tuningKey{Model: "m", Cores: 2}
	for name, text := range map[string]string{
		"no JSON":        `[{"model":`,
		"no rates":       `[{"model":"m","cores":2,"rates":[]}]`,
		"too many lanes": `[{"model":"m","cores":2,"rates":[{"threads":2,"lanes":2,"alone":1,"full":1}]}]`,
		"no lanes":       `[{"model":"m","cores":2,"rates":[{"threads":1,"lanes":0,"alone":1,"full":1}]}]`,
		"no rate":        `[{"model":"m","cores":2,"rates":[{"threads":1,"lanes":2,"alone":0,"full":1}]}]`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := recall(path, key); got != nil || (err == nil) == (name == "no JSON") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if err := remember(path, key, []Rate{{Split{2, 1}, 1, 1}}); err != nil {
			t.Fatal(err)
		}
		if got, err := recall(path, key); len(got) != 1 || err != nil {
			t.Errorf("after %s: %v, %v", name, got, err)
		}
	}
}

func TestProcessorOf(t *testing.T) {
	x86 := "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2\ncpu MHz\t\t: 2400\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2\n"
	arm := "processor\t: 0\nBogoMIPS\t: 62.5\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n"
	a := processorOf(x86)
	if !strings.HasPrefix(a, "AMD EPYC ") || a != processorOf(strings.ReplaceAll(x86, "2400", "3100")) {
		t.Errorf("%q depends on the clock", a)
	}
	if a == processorOf(strings.ReplaceAll(x86, "avx2", "avx512")) || processorOf(arm) == processorOf(strings.ReplaceAll(arm, "0xd42", "0xd43")) {
		t.Error("two kinds are one")
	}
}

// A model is measured once for a machine, and not while stations judge.
func TestTunerMeasuresOnce(t *testing.T) {
	had := process
	process = NewCores(4)
	defer func() { process = had }()
	if _, err := Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	measured := 0
	tuner := Tuner{Path: filepath.Join(t.TempDir(), "splits.json"), Stations: 4, measure: func(context.Context, *model.File, config.Infer) ([]Rate, error) {
		measured++
		return []Rate{{Split{4, 1}, 10, 10}, {Split{1, 4}, 4, 16}}, nil
	}}
	find := func(hash string) Split {
		return tuner.Find(t.Context(), &model.File{Hash: hash}, config.Infer{}, zerolog.Nop())
	}
	if s := find("a"); s != (Split{1, 4}) || measured != 1 {
		t.Errorf("%+v, measured %d times", s, measured)
	}
	tuner.Busy = true
	if s := find("a"); s != (Split{1, 4}) || measured != 1 {
		t.Errorf("remembered: %+v, measured %d times", s, measured)
	}
	if s := find("b"); s != (Split{4, 1}) || measured != 1 {
		t.Errorf("while stations judge: %+v, measured %d times", s, measured)
	}
	tuner.Busy, tuner.Stations = false, 1
	if s := find("a"); s != (Split{4, 1}) || measured != 1 {
		t.Errorf("one station: %+v, measured %d times", s, measured)
	}
	tuner.measure = func(context.Context, *model.File, config.Infer) ([]Rate, error) {
		return nil, errors.New("out of memory")
	}
	if s := find("c"); s != (Split{4, 1}) {
		t.Errorf("not measured: %+v", s)
	}
}

// The measurement itself gives every split a rate and leaves all cores free.
func TestMeasureSplits(t *testing.T) {
	had := process
	process = NewCores(2)
	defer func() { process = had }()
	n := unet.Network{Width: 8, Channels: 1}
	onnx, err := n.Inference(n.Initial(1), 64, 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.Parse(onnx)
	if err != nil {
		t.Fatal(err)
	}
	rates, err := measureSplits(t.Context(), f, config.Infer{})
	if err != nil || len(rates) != 2 || !valid(rates, 2) {
		t.Fatalf("%+v, %v", rates, err)
	}
	t.Logf("%+v", rates)
	if err := process.Take(t.Context(), 2); err != nil {
		t.Error(err)
	}
}
