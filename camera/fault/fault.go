// Package fault says why an image from a camera or a file must not be judged:
// it is damaged, incomplete, a repetition, of another form than the source was
// opened with, or too large. Decoders and sources return these errors; what
// becomes of them is decided in package camera.
package fault

import (
	"errors"
	"fmt"

	"faird/verdict"
)

// ErrImage is wrapped by every error that says that an image cannot be judged,
// as opposed to a failure of the source or the machine.
var ErrImage = errors.New("unusable image")

// ErrLogin is wrapped by the error of a camera that refuses user or password. It
// is no fault of an image. Many cameras lock an account after a few attempts, so
// the next one has to wait.
var ErrLogin = errors.New("log-in refused")

// Error is a fault of one image. It wraps [ErrImage] and its cause.
type Error struct {
	Check verdict.Check // which rule the image broke
	Cause error         // what was found, for people
}

// Error implements error. The image itself is named by whoever knows its source.
func (e *Error) Error() string { return fmt.Sprintf("%s image: %v", words[e.Check], e.Cause) }

// Unwrap makes errors.Is find both ErrImage and the cause.
func (e *Error) Unwrap() []error { return []error{ErrImage, e.Cause} }

var words = map[verdict.Check]string{
	verdict.Damaged:     "damaged",
	verdict.Incomplete:  "incomplete",
	verdict.Repeated:    "repeated",
	verdict.FormChanged: "changed",
	verdict.TooLarge:    "oversized",
}

// Damaged is an image whose data contradict themselves or their checksums.
func Damaged(format string, args ...any) error { return newError(verdict.Damaged, format, args) }

// Incomplete is an image of which a part never arrived.
func Incomplete(format string, args ...any) error { return newError(verdict.Incomplete, format, args) }

// Repeated is an image that the source has delivered before.
func Repeated(format string, args ...any) error { return newError(verdict.Repeated, format, args) }

// FormChanged is an image whose size, pixel format or range is not the one that
// its source was opened with.
func FormChanged(format string, args ...any) error {
	return newError(verdict.FormChanged, format, args)
}

// TooLarge is an image beyond the limit on pixels or bytes. It must be returned
// before memory for the image is allocated.
func TooLarge(format string, args ...any) error { return newError(verdict.TooLarge, format, args) }

func newError(check verdict.Check, format string, args []any) error {
	return &Error{Check: check, Cause: fmt.Errorf(format, args...)}
}

// Of returns the rule that an image broke, or "" where err names none.
func Of(err error) verdict.Check {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}
