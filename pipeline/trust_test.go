package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/model/trust"
	"faird/pipeline/shelf"
	"faird/publish"
)

// signer signs models of a trial box, or takes their signatures away.
type signer struct {
	t      *testing.T
	folder string
	key    minisign.PrivateKey
}

func (s signer) path(name string) string {
	if name == "m" {
		return filepath.Join(s.folder, "m.onnx")
	}
	return filepath.Join(s.folder, shelf.Folder, name+".onnx")
}

func (s signer) sign(name string) { s.signWith(name, s.key) }

func (s signer) signWith(name string, key minisign.PrivateKey) {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err == nil {
		err = os.WriteFile(s.path(name)+trust.Suffix, minisign.Sign(key, data), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s signer) unsign(name string) {
	s.t.Helper()
	if err := os.Remove(s.path(name) + trust.Suffix); err != nil {
		s.t.Fatal(err)
	}
}

// newTrustBox trusts one key, which has signed m and b.
func newTrustBox(t *testing.T) (*trialBox, signer) {
	t.Helper()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newTrialBox(t, "mqtt")
	s := signer{t, w.folder, private}
	s.sign("m")
	s.sign("b")
	w.trust = trust.Keys{public}
	w.restart()
	return w, s
}

func (w *trialBox) inForce(name string) {
	w.t.Helper()
	if got := w.trial().Model; got != w.hash[name] || w.States()["cap"].Model != got {
		w.t.Errorf("model %s is in force, want %q, %s", got, name, w.hash[name])
	}
}

func (w *trialBox) refuses(err error, why string) {
	w.t.Helper()
	if !errors.Is(err, trust.ErrUntrusted) || !strings.Contains(err.Error(), why) {
		w.t.Errorf("%v, want it refused since %q", err, why)
	}
	w.inForce("")
}

func TestUntrustedModelsAreNeverPutInForce(t *testing.T) {
	w, s := newTrustBox(t)
	ctx := t.Context()
	_, stranger, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.inForce("")
	w.refuses(w.SetShadow(ctx, "cap", "c", "anna"), "it is not signed")
	s.signWith("c", stranger)
	w.refuses(w.SetShadow(ctx, "cap", "c", "anna"), "not one of the 1 that are trusted")

	swap := publish.Command{ID: "1", Command: publish.CommandModel, Model: s.path("c"), By: "plc"}
	if r := w.Command(ctx, "cap", swap); r.OK || !strings.Contains(r.Error, "trusted") {
		t.Errorf("a swap by command: %+v", r)
	}
	w.inForce("")
	reloaded := w.station
	reloaded.Model = s.path("c")
	w.refuses(apply(t, w.Box, reloaded), "trusted")

	w.must(w.SetShadow(ctx, "cap", "b", "anna"))
	s.signWith("b", stranger) // between shadow and promotion
	w.refuses(w.Promote(ctx, "cap", w.hash["b"], "anna"), "trusted")
	s.sign("b")
	w.must(w.Promote(ctx, "cap", w.hash["b"], "anna"))
	w.inForce("b")

	s.unsign("m")
	if err := w.Undo(ctx, "cap", w.hash["b"], "anna"); !errors.Is(err, trust.ErrUntrusted) {
		t.Errorf("going back to a model that is signed no more: %v", err)
	}
	w.inForce("b")
}

func TestUntrustedModelAtTheStart(t *testing.T) {
	w, s := newTrustBox(t)
	w.promote("b")
	s.unsign("b")
	w.restart() // a line must start: with what the config names
	w.inForce("")
	if why := w.States()["cap"].Why; strings.Contains(why, "signed") || w.trial().Choice != nil {
		t.Errorf("not ready: %s; chosen %+v", why, w.trial().Choice)
	}
	s.unsign("m")
	w.restart()
	if st := w.States()["cap"]; st.Ready || !strings.Contains(st.Why, "it is not signed") {
		t.Errorf("with a model that is not signed: ready %v, %s", st.Ready, st.Why)
	}
	s.sign("m")
	mustApply(t, w.Box, w.station)
	until(t, "the station is ready", func() bool { return w.States()["cap"].Ready })
	w.inForce("")
}

func TestJudgeTrusts(t *testing.T) {
	w, s := newTrustBox(t)
	in := config.Infer{Provider: "cpu", Threads: 1}
	c := w.station
	for name, signed := range map[string]bool{"m": true, "c": false} {
		c.Model = s.path(name)
		j, err := NewJudge(t.Context(), c, in, w.trust, zerolog.Nop())
		if j != nil {
			j.Close()
		}
		if signed != (err == nil) || !signed && !errors.Is(err, trust.ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
