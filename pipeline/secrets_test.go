package pipeline

import (
	"errors"
	"strings"
	"testing"

	"faird/verdict"
)

// An error that becomes part of a verdict, a state or an answer leaves its
// secrets behind.
func TestSecretsInErrors(t *testing.T) {
	const text = "cannot open rtsp://admin:first@SECRET@cam/1?loginpas=SECRET"
	r := newRig(t, "mqtt", nil)
	r.source.lose(text)
	r.Trigger(trigger("1"))
	if v := r.verdict(); v.Reason != verdict.CameraLost {
		t.Errorf("%s %s", v.Verdict, v.Reason)
	} else if hides(t, "the verdict", v.Detail); !strings.Contains(v.Detail, "@cam/1") {
		t.Errorf("the verdict names no camera: %s", v.Detail)
	}
	r.breakDown(text)
	hides(t, "the state", r.State().Why)
	hides(t, "a reply", failed(errors.New(text)).Error)
	hides(t, "a refused picture", refuse(r.blank(), verdict.InvalidPicture, errors.New(text)).Detail)
}

func hides(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "SECRET") || !strings.Contains(text, "******") {
		t.Errorf("%s says %s", what, text)
	}
}
