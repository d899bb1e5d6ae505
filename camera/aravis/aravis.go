// Package aravis talks to GigE Vision and USB3 Vision cameras through Aravis 0.8.
// The library is looked for when it is first asked for: without it faird builds,
// starts and runs every other camera. The package sets and reads what it is
// told; it decides nothing, retries nothing, and never copies a picture.
package aravis

// #include <stdlib.h>
// #include "api.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// library is the soname of Aravis 0.8, whose binary interface api.h declares.
const library = "libaravis-0.8.so.0"

// load looks the library up once for the process.
var load = sync.OnceValue(func() error {
	name := C.CString(library)
	defer C.free(unsafe.Pointer(name))
	if err := failure(C.aravis_load(name)); err != nil {
		return fmt.Errorf("aravis is not to be had: %w: install Debian's package libaravis-0.8-0", err)
	}
	return nil
})

// Load says why there is no Aravis on this machine, or nil.
func Load() error { return load() }

// failure makes an error of what a C function returned, and frees it.
func failure(why *C.char) error {
	if why == nil {
		return nil
	}
	return errors.New(text(why))
}

// text takes a string that C allocated.
func text(s *C.char) string {
	defer C.free(unsafe.Pointer(s))
	return C.GoString(s)
}
