// Package libav reads video files, and decodes them and network streams with
// FFmpeg's libraries so that damage is reported instead of concealed: a picture
// comes out whole or as a fault. It is a binding of its own because no maintained
// one fits FFmpeg 5.1, which is what Debian 12 has (go-astiav wants FFmpeg 7 or 8),
// and because what is needed is small and reaches below those bindings: frame
// buffers are marked before they are decoded into. The package judges no image
// and opens nothing a second time.
package libav

// #cgo LDFLAGS: -lavformat -lavcodec -lavutil -lswscale
// #include "decoder.h"
import "C"

import "errors"

// FFmpeg would write to stderr, between our log lines.
func init() { C.lav_quiet() }

// libraryError is what FFmpeg says about one of its error codes.
func libraryError(code C.int) error {
	var text [128]C.char
	C.lav_error(code, &text[0], C.size_t(len(text)))
	return errors.New(C.GoString(&text[0]))
}

// goString spares the tests, which cannot use C, and others the import.
func goString(s *C.char) string { return C.GoString(s) }
