package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"faird/camera/fault"
	"faird/verdict"
)

func TestFaults(t *testing.T) {
	for check, err := range map[verdict.Check]error{
		verdict.Damaged:     fault.Damaged("scan 3: %w", io.ErrUnexpectedEOF),
		verdict.Incomplete:  fault.Incomplete("%d of %d bytes: %w", 3, 7, io.ErrUnexpectedEOF),
		verdict.Repeated:    fault.Repeated("as before: %w", io.ErrUnexpectedEOF),
		verdict.FormChanged: fault.FormChanged("now grey: %w", io.ErrUnexpectedEOF),
		verdict.TooLarge:    fault.TooLarge("16000x16000 pixels: %w", io.ErrUnexpectedEOF),
	} {
		wrapped := fmt.Errorf("part.jpg: %w", err)
		if got := fault.Of(wrapped); got != check {
			t.Errorf("%v: fault %q, want %q", wrapped, got, check)
		}
		if !errors.Is(wrapped, fault.ErrImage) || !errors.Is(wrapped, io.ErrUnexpectedEOF) {
			t.Errorf("%v lacks ErrImage or its cause", wrapped)
		}
	}
	if got := fault.Of(io.EOF); got != "" {
		t.Errorf("io.EOF has the fault %q", got)
	}
}
