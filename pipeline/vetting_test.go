package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/model"
	"faird/model/vet/hostile"
	"faird/pipeline/vetting"
	"faird/publish"
)

// refused expects a refusal that names the file.
func refused(path string, err error) error {
	if err == nil || !strings.Contains(err.Error(), path) {
		return fmt.Errorf("%w, want a refusal that names %s", errors.Join(err, errors.New("not refused")), path)
	}
	return nil
}

// A model on a share that hangs is refused by commands, a config and a new station;
// the others go on, and a stop names what hangs.
func TestAShareThatHangsHoldsNothingUp(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	path, hold := filepath.Join(w.folder, "hangs.onnx"), make(chan struct{})
	v := w.models.vetter
	v.ReadTimeout = 100 * time.Millisecond
	v.ReadFile = func(p string) ([]byte, error) {
		if p == path {
			<-hold
		}
		return model.ReadBytes(p)
	}
	for range 3 {
		soon(t, "a model on a share", func(ctx context.Context) error {
			return refused(path, command(w.Box, "cap", publish.Command{Command: publish.CommandModel, Model: path})(ctx))
		})
	}
	soon(t, "a config", func(ctx context.Context) error {
		c := config.Default()
		c.Stations = []config.Station{w.station}
		c.Stations[0].Model = path
		return refused(path, w.Apply(ctx, &c))
	})
	soon(t, "a station more", func(ctx context.Context) error {
		c := config.Default()
		c.Stations = []config.Station{w.station, w.lid()}
		c.Stations[1].Model = path
		return w.Apply(ctx, &c)
	})
	if st := w.States()["lid"]; st.Ready || !strings.Contains(st.Why, path) || st.Threshold != nil {
		t.Errorf("a station whose model hangs: %+v", st)
	}
	soon(t, "a pause", command(w.Box, "cap", publish.Command{Command: publish.CommandPause}))
	w.inForce("")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	w.Stop(t.Context())
	if left := w.Close(ctx); len(left) != 1 || left[0].Name != "reading model "+path {
		t.Errorf("left: %v", left)
	}
	close(hold)
}

// A hostile model on the shelf is no shadow, and is not promoted.
func TestHostileModelsAreNoShadows(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	for _, f := range hostile.Files()[:4] {
		path := filepath.Join(w.folder, "models", "bad.onnx")
		if err := os.WriteFile(path, f.ONNX, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.SetShadow(t.Context(), "cap", "bad", "anna"); !errors.Is(err, vetting.ErrRefused) || refused(path, err) != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	w.inForce("")
}
