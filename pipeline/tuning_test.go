package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/model/trust"
	"faird/pipeline/tasks"
)

// The split of the cores is measured at the first start and kept; later starts,
// and other numbers of stations, take what is best for them by what was kept.
func TestStationsShareTheCoresAsWasMeasured(t *testing.T) {
	folder := t.TempDir()
	path := writeModel(t, filepath.Join(folder, "grey.onnx"), 0.5, 0.3)
	load := func(stations int) infer.Split {
		t.Helper()
		g := tasks.NewGroup()
		m := newModels(config.Infer{Provider: "cpu"}, trust.Keys{}, g, zerolog.Nop())
		m.enableTuning(folder)
		m.setLoad(stations, false)
		f, err := m.files().model(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := m.acquire(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Wait(t.Context())
		defer loaded.Release()
		return loaded.Model.Split()
	}
	load(1)
	kept := filepath.Join(folder, tuningFile)
	data, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	var file []map[string]any
	if err := json.Unmarshal(data, &file); err != nil || len(file) != 1 {
		t.Fatalf("%s: %v", data, err)
	}
	var rates []infer.Rate
	again(t, file[0]["rates"], &rates)
	for _, best := range rates {
		for i := range rates {
			rates[i].Alone, rates[i].Full = 10, 10
			if rates[i].Split == best.Split {
				rates[i].Full = 100
			}
		}
		file[0]["rates"] = rates
		data, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(kept, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := load(4); got != best.Split {
			t.Errorf("four stations have %+v, best by %s is %+v", got, data, best.Split)
		}
	}
}

// again reads what was decoded freely once more, into a type.
func again(t *testing.T, from, to any) {
	t.Helper()
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}
