package pipeline

import (
	"testing"

	"faird/camera"
	"faird/verdict"
)

// A camera whose line triggers it says nothing while no part comes; that is no
// outage, as long as it lives.
func TestFreeRunWaitsForAPictureOnCall(t *testing.T) {
	r := newRig(t, "free", func(r *rig) { r.source.status = camera.Status{Connected: true, OnCall: true} })
	r.silent(4 * turn)
	r.source.show(1)
	if v := r.verdict(); v.Verdict != verdict.Pass {
		t.Errorf("%s %s", v.Verdict, v.Reason)
	}
	r.source.lose("unplugged")
	if v := r.verdict(); v.Reason != verdict.CameraLost {
		t.Errorf("%s %s", v.Verdict, v.Reason)
	}
}
