package imagefile

// #include "codec.h"
import "C"

import (
	"strings"

	"faird/camera/fault"
)

type failure = C.failure

// failed turns what a codec returned into an error.
func (d *Decoder) failed(format string, code C.int) error {
	return codecError(format, code, &d.failure)
}

func codecError(format string, code C.int, f *failure) error {
	if code == C.CODEC_OK {
		return nil
	}
	why := format + ": " + strings.TrimSpace(C.GoString(&f.text[0]))
	switch code {
	case C.CODEC_INCOMPLETE:
		return fault.Incomplete("%s", why)
	case C.CODEC_TOO_LARGE:
		return fault.TooLarge("%s", why)
	case C.CODEC_UNSUPPORTED:
		return unsupported("%s", why)
	}
	return fault.Damaged("%s", why)
}
